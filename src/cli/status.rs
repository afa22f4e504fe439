//! `tidegate status`: how a run stands, from any terminal, during it and after.

use super::{
    Stop,
    args::{Arguments, Topic},
    exit::Exit,
    record::{Record, now},
    say,
    scene::Scene,
};
use crate::handoff;

/// Columns that a page keeps to.
pub(crate) const COLUMNS: usize = 80;

pub(crate) async fn status(arguments: &Arguments, wish: &Topic) -> Result<Exit, Stop> {
    let scene = Scene::open(arguments).await?;
    let record = Record::newest(&scene, &wish.topic)?;
    let page = record.board().with(|board| handoff::status(board, now(), &scene.environment.time_zone));
    let who = match &record.holder {
        Some(holder) => format!("run {}, executed now by process {}\n", record.id.as_str(), holder.pid),
        None => format!("run {}, executed by nobody now\n", record.id.as_str()),
    };
    say(&format!("{}\n{who}", page.terminal(COLUMNS)))?;
    Ok(Exit::Good)
}
