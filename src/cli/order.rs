//! `tidegate retry` and `tidegate approve`: a person's word, by the journal's inbox, to a run that runs or does not.

use super::{
    Stop,
    args::{Approve, Arguments, Node},
    exit::Exit,
    record::{Record, now},
    say,
    scene::Scene,
};
use crate::{
    handoff::{self, quoted},
    journal::{Answer, Inbox, OrderId, Reply},
    plan::NodeId,
    run::{Event, Order, Run},
    text::line,
};
use std::time::Duration;

/// How often, and how long apart, it is looked for an answer: three seconds in all.
const LOOKS: u32 = 150;
const LOOK: Duration = Duration::from_millis(20);

pub(crate) async fn retry(arguments: &Arguments, wish: &Node) -> Result<Exit, Stop> {
    let scene = Scene::open(arguments).await?;
    let record = Record::newest(&scene, &wish.topic)?;
    let node = record.node(&wish.task)?;
    send(&record, vec![Order::Retry(node)]).await
}

pub(crate) async fn approve(arguments: &Arguments, wish: &Approve) -> Result<Exit, Stop> {
    let scene = Scene::open(arguments).await?;
    let record = Record::newest(&scene, &wish.topic)?;
    let node = record.node(&wish.gate)?;
    let orders = match (&wish.path, wish.criterion) {
        (Some(path), _) => vec![Order::Grant { task: node, path: in_repository(path)?.into() }],
        (None, Some(0)) => return Err(Stop::new(Exit::Faulty, "error: criteria are counted from 1\n")),
        (None, Some(number)) => vec![Order::Approve { gate: node, criterion: number - 1 }],
        (None, None) => awaited(&record, node)?,
    };
    send(&record, orders).await
}

/// A path as a task's patch would have it: anything else would be noted, and open nothing.
fn in_repository(path: &str) -> Result<&str, Stop> {
    let is_name = |part: &str| !matches!(part, "" | "." | "..") && !part.chars().any(char::is_control);
    if path.split('/').all(is_name) {
        return Ok(path);
    }
    let text = format!(
        "error: {path:?} is no path of a file in the repository\n  = help: name one file from the repository's root on, as in `--path src/lib.rs`\n"
    );
    Err(Stop::new(Exit::Faulty, text))
}

fn awaited(record: &Record, node: NodeId) -> Result<Vec<Order>, Stop> {
    let criteria = record.run.awaited(node);
    if criteria.is_empty() {
        let label = record.run.plan().node(node).label();
        let text = format!("error: nothing of {label} waits for a person's word\n");
        return Err(Stop::new(Exit::Faulty, text));
    }
    Ok(criteria.into_iter().map(|criterion| Order::Approve { gate: node, criterion }).collect())
}

/// Gives the orders. A run that is executed answers; one that is not is asked here whether it could take them.
async fn send(record: &Record, orders: Vec<Order>) -> Result<Exit, Stop> {
    let topic = quoted(&record.run.plan().blueprint().topic);
    let inbox = Inbox::open(&record.folder).map_err(|error| Stop::because("the order cannot be given", &error))?;
    for order in orders {
        if record.holder.is_none() {
            would_be_taken(record, &order)?;
        }
        let id = inbox.send(now(), &order).map_err(|error| Stop::because("the order cannot be given", &error))?;
        match &record.holder {
            None => say(&format!("noted; `tidegate execute {topic}` goes on with it\n"))?,
            Some(holder) => match answered(&inbox, id).await {
                Some(Answer { reply: Reply::Taken, .. }) => say("taken: the run goes on with it\n")?,
                Some(Answer { reply: Reply::Refused, text, .. }) => return Err(refused(record, &order, &text)),
                None => say(&format!("told to the run (process {}), which has not answered yet\n", holder.pid))?,
            },
        }
    }
    Ok(Exit::Good)
}

/// What a run that is executed says to an order; it is asked for as long as a person waits.
async fn answered(inbox: &Inbox, id: OrderId) -> Option<Answer> {
    for _ in 0..LOOKS {
        if let Ok(Some(answer)) = inbox.answer(id) {
            return Some(answer);
        }
        tokio::time::sleep(LOOK).await;
    }
    None
}

/// A run that nobody executes is asked here, so that what is refused is refused at once.
fn would_be_taken(record: &Record, order: &Order) -> Result<(), Stop> {
    let mut run: Run = super::record::replay(&record.entries)?;
    let turn = run.turn(run.now(), [Event::Ordered(order.clone())]);
    let turn = turn.map_err(|misfit| Stop::because("the order does not fit", &misfit))?;
    match turn.dropped.first() {
        Some(misfit) => Err(refused(record, order, &misfit.words(run.plan()))),
        None => Ok(()),
    }
}

/// A word that was not taken, and which one would have been.
fn refused(record: &Record, order: &Order, why: &str) -> Stop {
    let help = match *order {
        Order::Approve { gate, .. } => persons(record, gate),
        Order::Retry(node) => failed(record, node),
        _ => None,
    };
    let help = help.map(|help| format!("  = help: {help}\n")).unwrap_or_default();
    Stop::new(Exit::Faulty, format!("error: refused: {why}\n{help}"))
}

/// What of a node is a person's to say, by the numbers that its criteria have.
fn persons(record: &Record, node: NodeId) -> Option<String> {
    let plan = record.run.plan();
    let gate = plan.node(plan.gate_of(node).unwrap_or(node)).gate()?;
    let persons = (1..).zip(&gate.criteria).filter(|(_, criterion)| criterion.means.is_a_persons());
    let told: Vec<String> =
        persons.map(|(number, criterion)| format!("{number}: {}", line(&criterion.text, 120))).collect();
    let label = plan.node(node).label();
    Some(match told.len() {
        0 => format!("no criterion of {label} waits for a person"),
        _ => format!("these of {label} are a person's to say, once all else is proven: {}", told.join("; ")),
    })
}

/// What has to be tried again before a node that has not failed itself can go on.
fn failed(record: &Record, node: NodeId) -> Option<String> {
    let plan = record.run.plan();
    let culprits = record.run.culprits(node);
    let all: Vec<String> =
        culprits.iter().map(|&id| handoff::retry(&plan.blueprint().topic, plan.node(id).label())).collect();
    (!all.is_empty()).then(|| format!("it is blocked by what has: `{}`", all.join("`, `")))
}
