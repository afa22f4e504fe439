//! `tidegate init`: a topic's folder with its three documents, to be filled in. What is there already stays as it is.

use super::{
    Stop,
    args::{Arguments, Init},
    exit::Exit,
    say,
    scene::Scene,
};
use crate::{handoff::quoted, plan::slug, text::line};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

/// The documents that a run needs, as examples to be replaced.
const TEMPLATES: [(&str, &str); 3] = [
    ("research.md", include_str!("../../breakdowns/template/research.md")),
    ("plan.md", include_str!("../../breakdowns/template/plan.md")),
    ("breakdown.md", include_str!("../../breakdowns/template/breakdown.md")),
];
/// Characters of a title.
const TITLE_MAX: usize = 120;

pub(crate) async fn init(arguments: &Arguments, wish: &Init) -> Result<Exit, Stop> {
    let scene = Scene::open(arguments).await?;
    let name = slug(&wish.topic);
    if name.is_empty() || wish.topic.split(['/', '\\']).any(|part| part == "..") {
        let text = format!("error: `{}` names no folder\n", line(&wish.topic, TITLE_MAX));
        let help = "  = help: name the topic by words: `tidegate init rate-limits`\n";
        return Err(Stop::new(Exit::Faulty, text + help));
    }
    let notes = scene.repo.top().join("notes");
    let folder = notes.join(&name);
    for path in [&notes, &folder] {
        if path.is_symlink() || (path.exists() && !path.is_dir()) {
            let text = format!("error: {} is no folder of its own\n", path.display());
            return Err(Stop::new(Exit::Faulty, text + "  = help: take it out of the way, or name another topic\n"));
        }
    }
    let unwritable = |path: &Path, error| Stop::because(&format!("{} cannot be written", path.display()), &error);
    fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, error))?;
    let title = title(&wish.topic);
    let mut told = String::new();
    for (file, template) in TEMPLATES {
        let text = template.replace("{title}", &title).replace("{topic}", &name);
        let path = folder.join(file);
        let word = if written(&path, &text).map_err(|error| unwritable(&path, error))? { "made" } else { "kept" };
        told.push_str(&format!("{word} notes/{name}/{file}\n"));
    }
    let topic = quoted(&name);
    told.push_str(&format!(
        "\nnext: put your own research, plan and tasks in place of the examples, then\n  tidegate check {topic}\n  tidegate execute \
         {topic} --only 1\n"
    ));
    say(&told)?;
    Ok(Exit::Good)
}

/// Whether the file was made: one that is there is somebody's, and a link is not followed.
fn written(path: &Path, text: &str) -> io::Result<bool> {
    match File::create_new(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// A topic's name as a title: its own words, where it has some; else the words of its folder's name.
fn title(topic: &str) -> String {
    let words = if topic.trim().contains(' ') { line(topic.trim(), TITLE_MAX) } else { slug(topic).replace('-', " ") };
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_topic_s_own_words() {
        assert_eq!(title("rate-limits"), "Rate limits");
        assert_eq!(title("real-time chat with PubSub"), "Real-time chat with PubSub");
        assert_eq!(title("a\u{1b}[31m b"), "A b");
    }
}
