//! Where spans go: what OpenTelemetry's variables ask for, as far as it is done here.

use super::Environment;

/// The protocol that is spoken.
const SPOKEN: &str = "http/protobuf";

/// What spans are sent to, and as what.
#[derive(Clone, PartialEq, Eq)]
pub struct Collector {
    /// The address that they are posted to: it begins with `http://`, and its path is whole.
    pub url: String,
    /// What each request carries beside them: names and values. They may be secret.
    pub headers: Vec<(String, String)>,
    /// What is said of the process that sends them, `service.name` and `service.version` in any case.
    pub resource: Vec<(String, String)>,
}

/// Why spans do not go where the environment asks for. No value is told: there may be a password in it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CollectorError {
    /// Not a protocol of ours.
    #[error(
        "{variable} asks for a protocol that is not spoken; set it to http/protobuf, and name the port for that, as a rule 4318"
    )]
    Protocol {
        /// Where it is asked for.
        variable: &'static str,
    },
    /// Not an address that can be spoken to.
    #[error(
        "{variable} does not begin with http://; name a collector on this machine, as a rule http://127.0.0.1:4318, which passes spans on by TLS"
    )]
    Scheme {
        /// Where it is named.
        variable: &'static str,
    },
}

impl Collector {
    /// The collector that the environment names. `None`: it names none, or says that nothing is to be sent.
    ///
    /// # Errors
    /// It names one that is not spoken to.
    pub fn of(environment: &Environment) -> Result<Option<Collector>, CollectorError> {
        let is = |name, value| environment.text(name).is_some_and(|text| text.eq_ignore_ascii_case(value));
        if is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none") {
            return Ok(None);
        }
        let first = |names: [&'static str; 2]| {
            names.into_iter().find_map(|variable| Some((variable, environment.text(variable)?.trim())))
        };
        let Some((variable, endpoint)) = first(["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"])
        else {
            return Ok(None);
        };
        match first(["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"]) {
            None | Some((_, SPOKEN)) => {}
            Some((variable, _)) => return Err(CollectorError::Protocol { variable }),
        }
        if !endpoint.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://")) {
            return Err(CollectorError::Scheme { variable });
        }
        // The endpoint for everything is a folder, the one for traces is meant as it stands.
        let url = match variable {
            "OTEL_EXPORTER_OTLP_ENDPOINT" => format!("{}/v1/traces", endpoint.trim_end_matches('/')),
            _ => endpoint.to_owned(),
        };
        let headers = first(["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"]);
        let headers = headers.map(|(_, headers)| pairs(headers)).unwrap_or_default();
        Ok(Some(Collector { url, headers, resource: resource(environment) }))
    }
}

fn resource(environment: &Environment) -> Vec<(String, String)> {
    let mut said = pairs(environment.text("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default());
    if let Some(name) = environment.text("OTEL_SERVICE_NAME") {
        said.retain(|(key, _)| key != "service.name");
        said.push(("service.name".to_owned(), name.to_owned()));
    }
    for (key, value) in [("service.name", env!("CARGO_PKG_NAME")), ("service.version", env!("CARGO_PKG_VERSION"))] {
        if !said.iter().any(|(known, _)| known == key) {
            said.push((key.to_owned(), value.to_owned()));
        }
    }
    said
}

/// `a=1,b=2%2C3`, as W3C's baggage is written. What is no pair is left out, as other programs do.
fn pairs(list: &str) -> Vec<(String, String)> {
    let pair = |entry: &str| {
        let (key, value) = entry.split_once('=')?;
        let key = key.trim();
        (!key.is_empty()).then(|| (key.to_owned(), decoded(value.trim())))
    };
    list.split(',').filter_map(pair).collect()
}

/// Text without its percent signs; as it stands, where these encode nothing.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{super::environment::tests::of, *};

    const ALL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

    fn url(variables: &[(&str, &str)]) -> Option<String> {
        Collector::of(&of(variables)).unwrap().map(|collector| collector.url)
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn without_an_endpoint_nothing_is_sent() {
        assert_eq!(url(&[]), None);
        assert_eq!(url(&[(ALL, "")]), None);
        assert_eq!(url(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]), None, "and nothing is wrong");
    }

    #[test]
    fn the_endpoint_for_everything_is_a_folder_and_the_one_for_traces_is_meant_as_it_stands() {
        let whole = Some("http://127.0.0.1:4318/v1/traces".to_owned());
        assert_eq!(url(&[(ALL, "http://127.0.0.1:4318")]), whole);
        assert_eq!(url(&[(ALL, "http://127.0.0.1:4318/")]), whole);
        assert_eq!(url(&[(ALL, "HTTP://c/otel/")]).as_deref(), Some("HTTP://c/otel/v1/traces"));
        assert_eq!(url(&[(ALL, "http://a"), (TRACES, "http://b/in")]).as_deref(), Some("http://b/in"));
    }

    #[test]
    fn who_has_switched_it_off_is_obeyed() {
        for (name, value) in [("OTEL_SDK_DISABLED", "TRUE"), ("OTEL_TRACES_EXPORTER", "none")] {
            assert_eq!(url(&[(ALL, "http://a"), (name, value)]), None, "{name}");
        }
        assert!(url(&[(ALL, "http://a"), ("OTEL_SDK_DISABLED", "false")]).is_some());
    }

    #[test]
    fn what_is_not_spoken_is_told_with_the_variable_and_without_its_value() {
        let told = |variables: &[(&str, &str)]| Collector::of(&of(variables)).err().unwrap().to_string();
        let grpc = told(&[(ALL, "http://a"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
        assert!(grpc.contains("OTEL_EXPORTER_OTLP_PROTOCOL") && grpc.contains("http/protobuf"), "{grpc}");
        let json = told(&[(ALL, "http://a"), ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")]);
        assert!(json.contains("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), "{json}");
        for address in ["https://me:secret@c", "c:4318", "htt", "h\u{fc}\u{fc}\u{fc}p://"] {
            let text = told(&[(TRACES, address)]);
            assert!(text.contains(TRACES) && !text.contains("secret"), "{text}");
        }
        assert!(url(&[(ALL, "http://a"), ("OTEL_EXPORTER_OTLP_PROTOCOL", SPOKEN)]).is_some());
    }

    #[test]
    fn headers_and_attributes_are_read_as_baggage() {
        let collector = |variables: &[(&str, &str)]| {
            Collector::of(&of(&[&[(ALL, "http://a")], variables].concat())).unwrap().unwrap()
        };
        let plain = collector(&[]);
        assert_eq!(plain.headers, []);
        assert_eq!(
            plain.resource,
            [pair("service.name", "tidegate"), pair("service.version", env!("CARGO_PKG_VERSION"))]
        );
        let full = collector(&[
            ("OTEL_EXPORTER_OTLP_HEADERS", " authorization = Bearer%20a%3Db , x=1%,none,=2,y=%ff"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=theirs,service.version=7,deployment=a%2Cb"),
        ]);
        assert_eq!(full.headers, [pair("authorization", "Bearer a=b"), pair("x", "1%"), pair("y", "%ff")]);
        let said = [pair("service.name", "theirs"), pair("service.version", "7"), pair("deployment", "a,b")];
        assert_eq!(full.resource, said);
        let named = collector(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=a"), ("OTEL_SERVICE_NAME", "b")]);
        assert_eq!(named.resource[0], pair("service.name", "b"));
        let own = [("OTEL_EXPORTER_OTLP_HEADERS", "a=1"), ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "b=2")];
        assert_eq!(collector(&own).headers, [pair("b", "2")]);
    }
}
