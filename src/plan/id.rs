//! The names of things inside a plan: small numbers, dense, append-only. What they are called is in the draft's tables.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($int:ty), $mark:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(#[doc = "The number."] pub $int);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($mark, "{}"), self.0)
            }
        }
    };
}

id!(
    /// A node of the plan: a task or a gate. Never reused, never renumbered, whatever is added or retired.
    NodeId(u32), "n"
);
id!(
    /// A lane of tasks: a label for progress, for a limit and for a gate. Not a barrier.
    StreamId(u16), "s"
);
id!(
    /// A reviewer definition (its file's content, not its name: an edited reviewer is another one).
    ReviewerId(u16), "r"
);
id!(
    /// What runs an agent: one CLI with one account, hence one quota.
    BackendId(u16), "b"
);
id!(
    /// A named thing that two jobs, or two tasks, cannot have at the same time.
    ResourceId(u16), "x"
);

impl NodeId {
    /// Its place in the blueprint's nodes.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_number_with_a_mark() {
        assert_eq!((NodeId(7).index(), serde_json::to_string(&NodeId(7)).unwrap().as_str()), (7, "7"));
        let marks =
            format!("{:?} {:?} {:?} {:?} {:?}", NodeId(1), StreamId(2), ReviewerId(3), BackendId(4), ResourceId(5));
        assert_eq!(marks, "n1 s2 r3 b4 x5");
    }
}
