//! Renders the configs of the test set with the shipped template, for the linters: `cargo run -p config --example render
//! -- FOLDER` writes one template for each config and environment.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use config::{EnvironmentRecord, ServiceRecord, Standing};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("which folder?")?);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let base = fs::read_to_string(here.join("../../stacks/service.yaml"))?;
    let service = ServiceRecord::parse(&fs::read(here.join("tests/records/service.json"))?)?;
    let record = EnvironmentRecord::parse(&fs::read(here.join("tests/records/environment.json"))?)?;
    let image = format!("sha256:{}", "0a".repeat(32)).parse()?;
    fs::create_dir_all(&folder)?;
    for entry in fs::read_dir(here.join("tests/configs"))? {
        let file = entry?.path();
        let config = config::parse(&fs::read(&file)?)?;
        let name = "production".parse()?;
        config.check(&name, &service, &record)?;
        let mut rendered =
            config::render(&base, &config, &name, &service, &record, &image, &Standing::default())?;
        if let Some(verify) = config.in_environment(&name).deployment.and_then(|deployment| deployment.verify)
        {
            rendered.await_verdict(&verify)?;
        }
        let template = file.with_extension("template.json");
        let template = folder.join(template.file_name().ok_or("a config without a name")?);
        fs::write(&template, lintable(&rendered)?)?;
        println!("{}", template.display());
    }
    Ok(())
}

/// The template with its parameters' values as defaults: linters look at what a template becomes by these.
fn lintable(rendered: &config::Rendered) -> Result<String, serde_json::Error> {
    let mut template: serde_json::Value = serde_json::from_str(&rendered.template)?;
    for (name, value) in &rendered.parameters {
        let declared = &mut template["Parameters"][name];
        let number = value.parse::<u64>().ok().filter(|_| declared["Type"] == "Number");
        declared["Default"] = number.map_or_else(|| value.as_str().into(), Into::into);
    }
    // CloudFormation drops a dependency on what a condition leaves out.
    let ignored = serde_json::json!({ "cfn-lint": { "config": { "ignore_checks": ["E3005"] } } });
    let resources =
        template["Resources"].as_object_mut().into_iter().flat_map(|resources| resources.values_mut());
    for condition in resources.filter(|resource| resource["Type"] == config::WAIT_CONDITION) {
        condition["Metadata"] = ignored.clone();
    }
    serde_json::to_string_pretty(&template)
}
