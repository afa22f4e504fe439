//! Where a run can be made to die: for the crash test, which kills it before and after each kind of effect and at appends.
//!
//! A point is armed by `TIDEGATE_FAILPOINT=<point>:<n>`: at its n-th passing the process sends itself SIGKILL.

use crate::run::What;
use std::{
    fmt,
    sync::atomic::{AtomicU32, Ordering},
};

/// An armed point, or none.
#[derive(Debug, Default)]
pub struct Failpoint {
    armed: Option<(Point, u32, fn() -> !)>,
    passed: AtomicU32,
}

/// A place in the life of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// Before a turn's entries are written.
    BeforeAppend,
    /// After they are durable, and before anything is done about them.
    AfterAppend,
    /// Before a job of this kind is begun; its `Started` is durable.
    BeforeStart(Kind),
    /// After a job of this kind has ended, and before that is told.
    AfterStart(Kind),
    /// Before a job is asked to stop; its `StopAsked` is durable.
    BeforeStop,
    /// After a job was asked to stop.
    AfterStop,
}

/// The kinds of jobs, without what tells two of a kind apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind(What);

impl Kind {
    /// The kind of a job.
    pub fn of(what: What) -> Kind {
        Kind(match what {
            What::Settle(_) => What::Settle(0),
            What::Review(_) => What::Review(crate::plan::ReviewerId(0)),
            other => other,
        })
    }

    /// The next kind in a fixed order: an exhaustive match, so that a new kind of job is a new point.
    fn next(self) -> Option<Kind> {
        let next = match self.0 {
            What::Tests => What::Red,
            What::Red => What::Implement,
            What::Implement => What::Verify,
            What::Verify => What::Review(crate::plan::ReviewerId(0)),
            What::Review(_) => What::Build,
            What::Build => What::Prove,
            What::Prove => What::Land,
            What::Land => What::HandOver,
            What::HandOver => What::Settle(0),
            What::Settle(_) => What::Consult,
            What::Consult => What::Advise,
            What::Advise => return None,
        };
        Some(Kind(next))
    }
}

impl Point {
    /// All points there are.
    pub fn all() -> Vec<Point> {
        let mut points = vec![Point::BeforeAppend, Point::AfterAppend, Point::BeforeStop, Point::AfterStop];
        let mut kind = Some(Kind(What::Tests));
        while let Some(at) = kind {
            points.extend([Point::BeforeStart(at), Point::AfterStart(at)]);
            kind = at.next();
        }
        points
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Point::BeforeAppend => write!(f, "before-append"),
            Point::AfterAppend => write!(f, "after-append"),
            Point::BeforeStart(kind) => write!(f, "before-{}", kind.0.name()),
            Point::AfterStart(kind) => write!(f, "after-{}", kind.0.name()),
            Point::BeforeStop => write!(f, "before-stop"),
            Point::AfterStop => write!(f, "after-stop"),
        }
    }
}

/// Not the name of a point and a number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such failpoint: {0:?} (a point and how often it is passed, as in `after-append:3`)")]
pub struct NoSuchPoint(String);

impl Failpoint {
    /// The point that `text` names, where `die` ends the process.
    ///
    /// # Errors
    /// When there is no such point.
    pub fn arm(text: &str, die: fn() -> !) -> Result<Failpoint, NoSuchPoint> {
        let wrong = || NoSuchPoint(text.to_owned());
        let (name, number) = text.rsplit_once(':').ok_or_else(wrong)?;
        let point = Point::all().into_iter().find(|point| point.to_string() == name).ok_or_else(wrong)?;
        let number = number.parse().map_err(|_| wrong())?;
        Ok(Failpoint { armed: Some((point, number, die)), passed: AtomicU32::new(0) })
    }

    /// Goes by this point; dies when it is the armed one and its time has come.
    pub fn pass(&self, point: Point) {
        if let Some((armed, number, die)) = self.armed
            && armed == point
            && self.passed.fetch_add(1, Ordering::Relaxed) + 1 == number
        {
            die();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stay() -> ! {
        panic!("nobody dies in this test")
    }

    #[test]
    fn every_point_has_a_name_of_its_own_and_is_read_back() {
        let all = Point::all();
        for point in &all {
            let read = Failpoint::arm(&format!("{point}:2"), stay).unwrap();
            assert_eq!(read.armed.map(|(point, number, _)| (point, number)), Some((*point, 2)));
        }
        let mut names: Vec<String> = all.iter().map(ToString::to_string).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all.len());
        assert!(Failpoint::arm("before-lunch:1", stay).is_err() && Failpoint::arm("after-append", stay).is_err());
    }
}
