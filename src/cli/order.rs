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
    journal::Inbox,
    plan::NodeId,
    run::{Event, Order, Run},
};

pub(crate) async fn retry(arguments: &Arguments, wish: &Node) -> Result<Exit, Stop> {
    let scene = Scene::open(arguments).await?;
    let record = Record::newest(&scene, &wish.topic)?;
    let node = record.node(&wish.task)?;
    send(&record, vec![Order::Retry(node)])
}

pub(crate) async fn approve(arguments: &Arguments, wish: &Approve) -> Result<Exit, Stop> {
    let scene = Scene::open(arguments).await?;
    let record = Record::newest(&scene, &wish.topic)?;
    let node = record.node(&wish.gate)?;
    let orders = match (&wish.path, wish.criterion) {
        (Some(path), _) => vec![Order::Grant { task: node, path: path.as_str().into() }],
        (None, Some(0)) => return Err(Stop::new(Exit::Faulty, "error: criteria are counted from 1\n")),
        (None, Some(number)) => vec![Order::Approve { gate: node, criterion: number - 1 }],
        (None, None) => awaited(&record, node)?,
    };
    send(&record, orders)
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

/// Gives the orders, after asking the core whether they could be taken now.
fn send(record: &Record, orders: Vec<Order>) -> Result<Exit, Stop> {
    let topic = record.run.plan().blueprint().topic.clone();
    let inbox = Inbox::open(&record.folder).map_err(|error| Stop::because("the order cannot be given", &error))?;
    for order in orders {
        if record.holder.is_none() {
            would_be_taken(record, &order)?;
        }
        inbox.send(now(), &order).map_err(|error| Stop::because("the order cannot be given", &error))?;
    }
    match &record.holder {
        Some(holder) => say(&format!("told to the run (process {})\n", holder.pid))?,
        None => say(&format!("noted; `tidegate execute {topic}` goes on with it\n"))?,
    }
    Ok(Exit::Good)
}

/// A run that nobody executes is asked here, so that what is refused is refused at once.
fn would_be_taken(record: &Record, order: &Order) -> Result<(), Stop> {
    let mut run: Run = super::record::replay(&record.entries)?;
    let turn = run.turn(run.now(), [Event::Ordered(order.clone())]);
    let turn = turn.map_err(|misfit| Stop::because("the order does not fit", &misfit))?;
    match turn.dropped.first() {
        Some(misfit) => Err(Stop::new(Exit::Faulty, format!("error: refused: {}\n", misfit.words(run.plan())))),
        None => Ok(()),
    }
}
