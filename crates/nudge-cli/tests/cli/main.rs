//! The program itself, run as a person or a script runs it: arguments in, files, exit codes and messages out.
//!
//! Models are of test size, so that a whole run takes a second.

mod adapters;
mod bench;
#[cfg(unix)]
mod chat;
mod data;
mod from_page;
mod hand_over;
mod hub;
#[cfg(unix)]
mod judging;
mod lab;
#[cfg(unix)]
mod locks;
mod oracle;
mod printed;
mod provenance;
mod rank;
mod refusals;
mod refused_files;
#[cfg(unix)]
mod resume;
mod self_check;
mod side_by_side;
#[cfg(unix)]
mod signals;
mod support;
#[cfg(unix)]
mod teach;
mod threads;
mod verdict;
mod whole_loop;
