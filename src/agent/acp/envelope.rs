//! An envelope: a script that starts a server with its variables. Agents of the protocol pass a server's environment on in arguments, which
//! everybody on the machine can see.

use crate::agent::{Server, home};
use std::{io, path::Path};

/// These servers with what they are given in scripts below the home, which only its owner reads. Variables whose names are none for a shell
/// stay as they are.
///
/// # Errors
/// When a script cannot be written.
pub(super) fn enveloped(servers: &[Server], home: &Path) -> io::Result<Vec<Server>> {
    servers.iter().enumerate().map(|(number, server)| envelope(server, number, home)).collect()
}

fn envelope(server: &Server, number: usize, home: &Path) -> io::Result<Server> {
    let (within, beside): (Vec<_>, Vec<_>) = server.env.iter().cloned().partition(|(name, _)| is_shells(name));
    if within.is_empty() || server.argv.is_empty() {
        return Ok(server.clone());
    }
    let mut script: String = within.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value))).collect();
    script.push_str("exec");
    server.argv.iter().for_each(|word| script = format!("{script} {}", quoted(word)));
    script.push('\n');
    let script = home::put(home, format!(".tidegate/server-{number}.sh"), script.as_bytes())?;
    let argv = vec!["sh".to_owned(), script.display().to_string()];
    Ok(Server { name: server.name.clone(), argv, env: beside })
}

fn is_shells(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(is_letter) && name.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt};

    #[test]
    fn what_a_server_is_given_stands_in_a_script_of_its_owner() {
        let home = tempfile::tempdir().unwrap();
        let of = |env: &[(&str, &str)]| {
            let env = env.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
            let argv = ["printenv", "it's $HOME"].map(str::to_owned).to_vec();
            let server = Server { name: "a".to_owned(), argv, env };
            (enveloped(std::slice::from_ref(&server), home.path()).unwrap().remove(0), server)
        };
        let (bare, server) = of(&[]);
        assert_eq!(bare, server);
        let (odd, server) = of(&[("a-b", "x")]);
        assert_eq!(odd, server);
        let (enveloped, _) = of(&[("TOKEN", "o'ne\ntwo"), ("a-b", "x")]);
        assert_eq!(enveloped.env, [("a-b".to_owned(), "x".to_owned())]);
        let script = &enveloped.argv[1];
        assert_eq!((enveloped.argv.len(), &*enveloped.argv[0]), (2, "sh"));
        let text = fs::read_to_string(script).unwrap();
        assert_eq!(text, "export TOKEN='o'\\''ne\ntwo'\nexec 'printenv' 'it'\\''s $HOME'\n");
        assert_eq!(fs::metadata(script).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
