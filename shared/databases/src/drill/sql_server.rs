//! What RDS asks of SQL Server in particular.

/// The smallest size that an edition runs on: of the burstable classes, and of the others. Ordered as [`SIZES`].
///
/// Source: RDS user guide, "DB instance class support for Microsoft SQL Server".
fn floor(engine: &str) -> Option<(&'static str, &'static str)> {
    match engine {
        "sqlserver-ee" => Some(("xlarge", "xlarge")),
        "sqlserver-se" => Some(("xlarge", "large")),
        "sqlserver-web" | "sqlserver-ex" => Some(("small", "large")),
        _ => None,
    }
}

const SIZES: [&str; 6] = ["micro", "small", "medium", "large", "xlarge", "2xlarge"];

/// Why RDS would not run the engine on that class.
pub(super) fn too_small(engine: &str, class: &str) -> Option<String> {
    let (burstable, other) = floor(engine)?;
    let (family, size) = class.strip_prefix("db.")?.rsplit_once('.')?;
    let least = if family.starts_with('t') { burstable } else { other };
    let rank = |size: &str| SIZES.iter().position(|known| *known == size);
    // What is larger than those of the list is large enough.
    (rank(size)? < rank(least)?)
        .then(|| format!("class {class} is too small for {engine}, which needs db.{family}.{least} at least"))
}

/// A class that is small, and that the engine runs on.
pub(super) fn smallest_class(engine: &str) -> String {
    let size = floor(engine).map_or("medium", |(burstable, _)| burstable);
    format!("db.t3.{size}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_edition_has_its_floor() {
        for (engine, class, fits) in [
            ("sqlserver-ee", "db.t3.xlarge", true),
            ("sqlserver-ee", "db.m6i.large", false),
            ("sqlserver-se", "db.m6i.large", true),
            ("sqlserver-se", "db.t3.large", false),
            ("sqlserver-se", "db.r6i.24xlarge", true),
            ("sqlserver-web", "db.t3.small", true),
            ("sqlserver-ex", "db.t3.micro", false),
            ("postgres", "db.t3.micro", true),
        ] {
            assert_eq!(too_small(engine, class).is_none(), fits, "{engine} on {class}");
        }
        for engine in ["sqlserver-ee", "sqlserver-se", "sqlserver-web", "sqlserver-ex", "postgres"] {
            assert_eq!(too_small(engine, &smallest_class(engine)), None, "{engine}");
        }
        assert_eq!(
            too_small("sqlserver-se", "db.t3.large").unwrap(),
            "class db.t3.large is too small for sqlserver-se, which needs db.t3.xlarge at least"
        );
    }
}
