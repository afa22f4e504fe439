//! Documents out: status, report, what dependents are told, and the folder they are written into.
//!
//! Rendering is pure: a page is made of values and knows no file. Only [`Folder`] writes.

mod bill;
mod folder;
mod page;
mod report;
mod status;
mod summary;

pub use bill::{Bills, Reached, allowance, dollars, flags, reached};
pub use folder::{Folder, WriteError};
pub use page::{Page, Part};
pub use report::{Closing, End, Merges, quoted, report, retry};
pub use status::{STATUS, status};
pub use summary::{Changed, Summary, file_name, index, tokens};
