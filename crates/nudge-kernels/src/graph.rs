//! How an operation enters the graph of a loss, and where its backward step finds the inputs it asks for.
//!
//! They are held until then, but for the results of light operations (norms, gates): what these came from is held for
//! their own gradients, so backward computes them once more, by burn's checkpointing (Chen et al. 2016). It is a third
//! of what a block would hold.

use std::fmt;
use std::marker::PhantomData;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::retro_forward::RetroForward;
use burn::backend::autodiff::checkpoint::state::BackwardStates;
use burn::backend::autodiff::checkpoint::strategy::{BalancedCheckpointing, NoCheckpointing};
use burn::backend::autodiff::ops::{Backward, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

/// A float tensor that autodiff watches.
pub(crate) type Tracked<B> = FloatTensor<Autodiff<B>>;

/// `out` as the result of `operation`, whose backward step asks the checkpointer for each of `wanted` once.
pub(crate) fn record<B: Backend, O: Backward<B, N>, const N: usize>(
    operation: O,
    inputs: [&Tracked<B>; N],
    wanted: &[&Tracked<B>],
    state: O::State,
    out: FloatTensor<B>,
) -> Tracked<B> {
    match operation.prepare::<NoCheckpointing>(inputs.map(Tracked::<B>::node)).compute_bound().stateful() {
        OpsKind::Tracked(mut prep) => {
            for input in wanted {
                prep.checkpoint(input);
            }
            prep.finish(state, out)
        }
        OpsKind::UnTracked(prep) => prep.finish(out),
    }
}

/// The same for a light one: who wants `out` in backward gets `again` of the `wanted`.
pub(crate) fn record_light<B: Backend, O: Backward<B, N>, const N: usize, const M: usize>(
    operation: O,
    inputs: [&Tracked<B>; N],
    wanted: [&Tracked<B>; M],
    state: O::State,
    out: FloatTensor<B>,
    again: impl Fn([FloatTensor<B>; M]) -> FloatTensor<B> + Send + 'static,
) -> Tracked<B> {
    let again = Again::<B, _, M> { inputs: wanted.map(Tracked::<B>::id), forward: again, backend: PhantomData };
    let prep = operation.prepare::<BalancedCheckpointing>(inputs.map(Tracked::<B>::node)).memory_bound();
    // burn wants every input that has a gradient; one of `wanted` without one makes the operation an ordinary one.
    let parents = inputs.into_iter().filter(|input| input.is_tracked()).chain(wanted);
    match prep.retro_forward(again).parents(parents).stateful() {
        OpsKind::Tracked(mut prep) => {
            for input in wanted {
                prep.checkpoint(input);
            }
            prep.finish(state, out)
        }
        OpsKind::UnTracked(prep) => prep.finish(out),
    }
}

/// How a result comes out of `inputs` a second time.
struct Again<B, F, const M: usize> {
    inputs: [NodeId; M],
    forward: F,
    backend: PhantomData<fn() -> B>,
}

impl<B, F, const M: usize> fmt::Debug for Again<B, F, M> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_tuple("Again").field(&self.inputs).finish()
    }
}

impl<B, F, const M: usize> RetroForward for Again<B, F, M>
where
    B: Backend,
    F: Fn([FloatTensor<B>; M]) -> FloatTensor<B> + Send + 'static,
{
    fn forward(&self, states: &mut BackwardStates, out_node: NodeId) {
        let inputs = self.inputs.map(|input| states.get_state::<FloatTensor<B>>(&input));
        states.save(out_node, (self.forward)(inputs));
    }
}
