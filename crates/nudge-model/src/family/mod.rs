//! The families of decoders, a file each: the names of its tensors and its block.

mod llama;

use crate::DecoderConfig;
use crate::host_decoder::HostRows;
use crate::next_token::NextToken;
use crate::walk::{Operations, Walk};
use crate::weights::Source;
use crate::whole_rows::WholeRows;

/// A family of decoders, for every executor.
pub(crate) trait Family: Build<WholeRows> + Build<NextToken> + Build<HostRows> + Sync {}

impl<F: Build<WholeRows> + Build<NextToken> + Build<HostRows> + Sync> Family for F {}

/// The family of a model.
pub(crate) fn of(_config: &DecoderConfig) -> &'static dyn Family {
    &llama::Llama
}

/// Puts the weights of a decoder in their places.
pub(crate) trait Build<O: Operations> {
    /// Asks `weights` for all of them but an unembedding of its own, in the order of a checkpoint.
    fn build(&self, config: &DecoderConfig, weights: &mut Source) -> Walk<O>;
}
