//! What tests do to the disk: at one of its operations the process ends, or from one on the disk is full.

use super::operation::Operation;
use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};

/// What happens, by the number of the operation, 0 first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// Nothing.
    None,
    /// This operation does not happen, half of it where it writes, nor any behind it: the process is killed.
    Killed(usize),
    /// From here on nothing can be made or written, but renamed and removed.
    Full(usize),
    /// From here on nothing can be changed.
    ReadOnly(usize),
}

thread_local! {
    static PLAN: RefCell<(Fault, Vec<(Operation, PathBuf)>)> = const { RefCell::new((Fault::None, Vec::new())) };
}

/// From now on, for this thread; forgets what happened before.
pub fn plan(fault: Fault) {
    PLAN.with_borrow_mut(|plan| *plan = (fault, Vec::new()));
}

/// What was done or tried since.
pub fn trace() -> Vec<(Operation, PathBuf)> {
    PLAN.with_borrow(|plan| plan.1.clone())
}

/// Whether the fault has come.
pub fn happened() -> bool {
    PLAN.with_borrow(|(fault, trace)| match fault {
        Fault::None => false,
        Fault::Killed(at) | Fault::Full(at) | Fault::ReadOnly(at) => trace.len() > *at,
    })
}

/// An operation is about to happen.
pub fn before(operation: Operation, path: &Path) -> io::Result<()> {
    use Operation::{Append, Create, CreateFolder, Open, Write};
    PLAN.with_borrow_mut(|(fault, trace)| {
        trace.push((operation, path.into()));
        let now = trace.len() - 1;
        let needs_room = matches!(operation, Create | Open | Append | Write | CreateFolder);
        match *fault {
            Fault::Killed(at) if now >= at => Err(io::Error::other("killed by a test")),
            Fault::Full(at) if now >= at && needs_room => Err(io::ErrorKind::StorageFull.into()),
            Fault::ReadOnly(at) if now >= at => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            _ => Ok(()),
        }
    })
}
