//! `template.yaml` as it is, with only the `CodeUri` of its functions replaced, as `sam package` does.

/// A function of the template: its logical id and the binary that it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) logical_id: String,
    pub(crate) binary: String,
}

/// The functions of a template, in its order.
///
/// # Errors
/// A function that has no `CodeUri` line or names no binary, by its logical id.
pub(crate) fn functions(template: &str) -> Result<Vec<Function>, String> {
    let mut functions = Vec::new();
    for resource in resources(template) {
        if !resource.is_function {
            continue;
        }
        let id = resource.logical_id;
        let binary = resource.binary.ok_or_else(|| format!("{id} names no Binary in its Metadata"))?;
        if resource.code_uri_line.is_none() {
            return Err(format!("{id} has no CodeUri line of its own"));
        }
        functions.push(Function { logical_id: id.to_owned(), binary: binary.to_owned() });
    }
    Ok(functions)
}

/// The template with the `CodeUri` of each function that `uri_of` knows; every other byte stays.
pub(crate) fn rewrite(template: &str, uri_of: impl Fn(&str) -> Option<String>) -> String {
    let mut lines: Vec<String> = template.split('\n').map(str::to_owned).collect();
    for resource in resources(template).filter(|resource| resource.is_function) {
        if let Some((number, uri)) = resource.code_uri_line.zip(uri_of(resource.logical_id)) {
            let indent = lines[number].len() - lines[number].trim_start().len();
            lines[number] = format!("{}CodeUri: {uri}", " ".repeat(indent));
        }
    }
    lines.join("\n")
}

#[derive(Debug)]
struct Resource<'a> {
    logical_id: &'a str,
    is_function: bool,
    binary: Option<&'a str>,
    code_uri_line: Option<usize>,
}

/// Resources by indentation: the section's name at 0, logical ids at 2, `Type` at 4, properties at 6.
fn resources(template: &str) -> impl Iterator<Item = Resource<'_>> {
    let mut found: Vec<Resource<'_>> = Vec::new();
    let mut section = "";
    for (number, line) in template.split('\n').enumerate() {
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        if indent == 0 {
            section = text;
        }
        if !section.starts_with("Resources:") || indent == 0 {
            continue;
        }
        if indent == 2 {
            let logical_id = text.split(':').next().unwrap_or_default();
            found.push(Resource { logical_id, is_function: false, binary: None, code_uri_line: None });
        }
        let Some(resource) = found.last_mut() else { continue };
        if indent == 4 && text == "Type: AWS::Serverless::Function" {
            resource.is_function = true;
        }
        if let Some((_, binary)) = text.split_once("Binary: ") {
            let end = binary.find([' ', ',', '}']).unwrap_or(binary.len());
            resource.binary = Some(&binary[..end]);
        }
        if indent == 6 && text.starts_with("CodeUri:") {
            resource.code_uri_line = Some(number);
        }
    }
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "\
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: provided.al2023
Resources:
  Table:
    Type: AWS::DynamoDB::Table
  PushFunction:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: rust-cargolambda, BuildProperties: { Binary: tidegate-push } }
    Properties:
      CodeUri: functions/push # what sam builds
      Handler: bootstrap

  BuildFunction:
    Type: AWS::Serverless::Function
    Metadata:
      BuildProperties:
        Binary: tidegate-build
    Properties:
      CodeUri: functions/build
Outputs:
  CodeUri: { Value: untouched }
";

    #[test]
    fn functions_are_found_with_their_binaries() {
        let function = |id: &str, binary: &str| Function { logical_id: id.to_owned(), binary: binary.to_owned() };
        assert_eq!(
            functions(TEMPLATE),
            Ok(vec![function("PushFunction", "tidegate-push"), function("BuildFunction", "tidegate-build")])
        );
    }

    #[test]
    fn only_code_uri_lines_change() {
        let rewritten = rewrite(TEMPLATE, |id| Some(format!("s3://code/{id}.zip")));
        let changed: Vec<(&str, &str)> =
            TEMPLATE.lines().zip(rewritten.lines()).filter(|(before, after)| before != after).collect();
        assert_eq!(
            changed,
            [
                ("      CodeUri: functions/push # what sam builds", "      CodeUri: s3://code/PushFunction.zip"),
                ("      CodeUri: functions/build", "      CodeUri: s3://code/BuildFunction.zip"),
            ]
        );
        assert_eq!(rewrite(TEMPLATE, |_| None), TEMPLATE);
    }

    #[test]
    fn a_function_without_a_code_uri_or_a_binary_is_named() {
        let without = TEMPLATE.replace("      CodeUri: functions/build\n", "");
        assert_eq!(functions(&without), Err("BuildFunction has no CodeUri line of its own".to_owned()));
        let nameless = TEMPLATE.replace("        Binary: tidegate-build\n", "");
        assert_eq!(functions(&nameless), Err("BuildFunction names no Binary in its Metadata".to_owned()));
    }
}
