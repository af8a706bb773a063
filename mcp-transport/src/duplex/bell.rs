//! What a wire rings when there is something to read.

use super::{
    intake::Intake,
    port::Port,
    shared::Shared,
    wakers::Wakers,
    wire::{Framing, Wire},
};
use std::{
    sync::{Arc, Mutex},
    task::{Context, Wake, Waker},
};

/// More bytes than this are left to the driver: so much is routed in some 50 µs. Callers who are woken from here become
/// known to the threads of a runtime together, where the driver would wake a thread for some of them and then another.
const LITTLE: usize = 16 * 1024;

/// Reads what is little as soon as it is there, where that is noticed, and wakes the driver for the rest.
///
/// So the answer to a lone call needs no turn of the driver: what waits for events wakes the caller. Nothing is waited for,
/// neither a lock nor the wire. It is for streams alone that wake holding no lock which reading takes
/// ([`Wire::wakes_unlocked`]).
pub(super) struct Bell<W: Framing> {
    shared: Arc<Shared<Mutex<Port<W>>>>,
    intake: Arc<Mutex<Intake<W::Inbound>>>,
}

impl<W: Wire + Send + 'static> Bell<W> {
    /// The bell as the waker of the wire.
    pub(super) fn waker(
        shared: &Arc<Shared<Mutex<Port<W>>>>,
        intake: &Arc<Mutex<Intake<W::Inbound>>>,
    ) -> Waker {
        Waker::from(Arc::new(Self { shared: Arc::clone(shared), intake: Arc::clone(intake) }))
    }

    /// Reads; false if there is something for the driver.
    fn read(&self) -> bool {
        let Ok(mut intake) = self.intake.try_lock() else { return false };
        let Some(port) = self.shared.try_port() else { return false };
        let is_all = intake.take_little(port, &mut Context::from_waker(Waker::noop()), LITTLE);
        let mut due = Wakers::default();
        intake.swap_due(&mut due);
        drop(intake);
        due.wake();
        is_all
    }
}

impl<W: Wire + Send + 'static> Wake for Bell<W> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.read() {
            self.shared.wake_driver();
        }
    }
}
