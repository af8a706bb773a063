//! The rules of an exchange, without IO.

use super::*;
use crate::wakes::Wakes;

fn exchange() -> Exchange {
    Exchange::new(&Limits { outbox_bytes: 1, ..Limits::default() })
}

fn request(exchange: &mut Exchange, id: i64, method: &'static str) -> Key {
    exchange.send(&Request::new(id, method).into(), None).unwrap().unwrap()
}

fn outgoing(exchange: &mut Exchange) -> String {
    let mut lines = Chunk::default();
    exchange.poll_outgoing(&mut lines, Waker::noop());
    String::from_utf8(lines.next(0).concat()).unwrap()
}

fn give_up(exchange: &mut Exchange, key: Key) {
    drop(exchange.abandon(key));
}

/// Returns the error that ended a call.
fn failure(exchange: &mut Exchange, key: Key) -> Error {
    let Polled::End(Some(Err(error))) = exchange.poll(key, Waker::noop()) else {
        panic!("not failed");
    };
    error
}

fn wake_due(exchange: &mut Exchange) {
    exchange.due().into_iter().flatten().for_each(Waker::wake);
}

// spec: STDIO-08 CAN-05 CAN-06
#[test]
fn an_abandoned_request_is_cancelled_once() {
    let mut exchange = exchange();
    let call = request(&mut exchange, 7, "tools/call");
    assert!(outgoing(&mut exchange).contains("tools/call"));
    give_up(&mut exchange, call);
    give_up(&mut exchange, call);
    assert_eq!(
        outgoing(&mut exchange),
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":7}}\n"
    );
    assert!(exchange.is_late(&7.into()) && !exchange.is_late(&8.into()));
}

// spec: LIFE-09 CAN-06
#[test]
fn initialize_and_answered_requests_are_not_cancelled() {
    let mut exchange = exchange();
    let initialize = request(&mut exchange, 1, "initialize");
    let answered = request(&mut exchange, 2, "tools/call");
    outgoing(&mut exchange);
    assert!(exchange.take(&2.into()).is_some());
    give_up(&mut exchange, initialize);
    give_up(&mut exchange, answered);
    assert_eq!(outgoing(&mut exchange), "");
}

#[test]
fn a_request_that_was_not_taken_yet_leaves_no_trace() {
    let mut exchange = exchange();
    let call = request(&mut exchange, 7, "tools/call");
    give_up(&mut exchange, call);
    assert_eq!(outgoing(&mut exchange), "");
}

// spec: MSG-05
#[test]
fn an_id_cannot_be_used_twice_at_a_time() {
    let mut exchange = exchange();
    let first = request(&mut exchange, 7, "a");
    let error = exchange.send(&Request::new(7, "b").into(), None).unwrap_err();
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert!(exchange.take(&7.into()).is_some());
    let second = request(&mut exchange, 7, "c");
    outgoing(&mut exchange);
    give_up(&mut exchange, first);
    assert_eq!(exchange.calls.find(&7.into()).map(|(key, _)| key), Some(second));
}

#[test]
fn callers_get_room_in_the_order_in_which_they_came() {
    let mut exchange = exchange();
    assert_eq!(exchange.queue_up(), None);
    request(&mut exchange, 1, "a");
    let (first, second) = (exchange.queue_up().unwrap(), exchange.queue_up().unwrap());
    let (first_count, first_waker) = Wakes::counted();
    let (second_count, second_waker) = Wakes::counted();
    assert!(!exchange.poll_turn(first, &first_waker));
    assert!(!exchange.poll_turn(second, &second_waker));
    outgoing(&mut exchange);
    wake_due(&mut exchange);
    assert_eq!(first_count.count(), 1);
    assert_eq!(second_count.count(), 0);
    assert!(!exchange.poll_turn(second, &second_waker), "not its turn");
    exchange.leave(first);
    wake_due(&mut exchange);
    assert_eq!(second_count.count(), 1);
    assert!(exchange.poll_turn(second, &second_waker));
}

#[test]
fn the_driver_is_woken_once_for_all_that_is_queued() {
    let mut exchange = exchange();
    let (count, waker) = Wakes::counted();
    assert_eq!(exchange.poll_outgoing(&mut Chunk::default(), &waker), Outgoing::Nothing);
    for id in 0..3 {
        request(&mut exchange, id, "a");
        wake_due(&mut exchange);
    }
    assert_eq!(count.count(), 1);
    assert_eq!(exchange.poll_outgoing(&mut Chunk::default(), &waker), Outgoing::Lines);
    exchange.release();
    assert_eq!(exchange.poll_outgoing(&mut Chunk::default(), &waker), Outgoing::Finished);
}

// spec: STDIO-10
#[test]
fn the_end_says_which_requests_never_left() {
    let mut exchange = exchange();
    let first = request(&mut exchange, 1, "a");
    let written = outgoing(&mut exchange).len() as u64;
    let second = request(&mut exchange, 2, "b");
    let ticket = exchange.queue_up().unwrap();
    let (count, waker) = Wakes::counted();
    assert!(!exchange.poll_turn(ticket, &waker));
    let callers = exchange.close(&Error::closed("gone", Delivery::Unknown), written);
    assert_eq!(failure(&mut exchange, first).delivery(), Delivery::Unknown);
    assert_eq!(failure(&mut exchange, second).delivery(), Delivery::NotSent);
    callers.into_iter().for_each(Waker::wake);
    assert_eq!(count.count(), 1);
    assert!(exchange.poll_turn(ticket, Waker::noop()));
    let refused = exchange.send(&Request::new(3, "c").into(), None).unwrap_err();
    assert!(refused.is_closed() && refused.delivery() == Delivery::NotSent);
}

#[test]
fn the_wire_is_quiet_for_one_message_after_one_answer() {
    let mut exchange = exchange();
    assert!(!exchange.is_quiet(), "the driver was never there");
    outgoing(&mut exchange);
    assert!(exchange.is_quiet());
    for id in 0..3 {
        request(&mut exchange, id, "a");
        assert!(!exchange.is_quiet(), "something is queued");
        outgoing(&mut exchange);
        outgoing(&mut exchange);
        assert!(!exchange.is_quiet(), "nothing was answered");
    }
    exchange.take(&0.into());
    assert!(exchange.is_quiet());
    exchange.take(&1.into());
    assert!(!exchange.is_quiet(), "two answers at a time make two calls");
    assert!(exchange.take(&1.into()).is_none());
    request(&mut exchange, 3, "a");
    outgoing(&mut exchange);
    outgoing(&mut exchange);
    exchange.take(&3.into());
    assert!(exchange.is_quiet());
}

const NONE: [i64; 0] = [];

/// Sends requests with these ids, and returns how many were queued each time that their caller should write them; the
/// driver writes the rest.
fn written_by_callers(exchange: &mut Exchange, ids: std::ops::Range<i64>) -> Vec<i64> {
    let first = ids.start;
    let mut written = Vec::new();
    for id in ids {
        request(exchange, id, "a");
        if exchange.is_complete() {
            assert!(exchange.take_outgoing(&mut Chunk::default()));
            written.push(id + 1 - first);
        }
    }
    outgoing(exchange);
    outgoing(exchange);
    written
}

fn answer(exchange: &mut Exchange, ids: std::ops::Range<i64>) {
    ids.for_each(|id| assert!(exchange.take(&id.into()).is_some()));
}

#[test]
fn the_last_of_many_who_were_answered_writes_for_all() {
    let mut exchange = exchange();
    assert_eq!(written_by_callers(&mut exchange, 0..64), NONE, "nothing was answered");
    answer(&mut exchange, 0..5);
    assert_eq!(written_by_callers(&mut exchange, 64..69), [5]);
    answer(&mut exchange, 5..10);
    assert_eq!(written_by_callers(&mut exchange, 69..73), NONE, "one does not call again");
    answer(&mut exchange, 10..15);
    assert_eq!(written_by_callers(&mut exchange, 73..80), [5], "and is not waited for any more");
}

#[test]
fn the_first_half_of_many_leaves_by_itself_if_the_peer_has_nothing_else_to_do() {
    let mut exchange = exchange();
    assert_eq!(written_by_callers(&mut exchange, 0..64), NONE);
    answer(&mut exchange, 0..64);
    assert_eq!(written_by_callers(&mut exchange, 64..128), [32, 64]);
    answer(&mut exchange, 64..96);
    assert_eq!(written_by_callers(&mut exchange, 128..160), [32], "it has the other half");
    answer(&mut exchange, 96..115);
    assert_eq!(written_by_callers(&mut exchange, 160..179), [19], "it has more than that");
    answer(&mut exchange, 115..179);
    assert_eq!(written_by_callers(&mut exchange, 179..193), NONE, "most do not call again");
    answer(&mut exchange, 179..193);
    assert_eq!(written_by_callers(&mut exchange, 193..207), [14], "so few leave together");
}

#[test]
fn a_request_that_was_taken_back_is_not_counted() {
    let mut exchange = exchange();
    written_by_callers(&mut exchange, 0..16);
    answer(&mut exchange, 0..16);
    for id in 16..24 {
        let call = request(&mut exchange, id, "a");
        assert_eq!(exchange.is_complete(), id == 23);
        give_up(&mut exchange, call);
        request(&mut exchange, id, "a");
    }
    assert!(exchange.is_complete());
}

#[test]
fn a_driver_that_comes_after_the_first_of_many_lets_the_others_go_first_once() {
    let mut exchange = exchange();
    let poll =
        |exchange: &mut Exchange| exchange.poll_outgoing(&mut Chunk::default(), Waker::noop());
    request(&mut exchange, 0, "a");
    assert_eq!(poll(&mut exchange), Outgoing::Lines, "there is no other");
    request(&mut exchange, 1, "a");
    assert_eq!(poll(&mut exchange), Outgoing::Soon);
    assert_eq!(poll(&mut exchange), Outgoing::Lines);
    (2..4).for_each(|id| _ = request(&mut exchange, id, "a"));
    assert_eq!(poll(&mut exchange), Outgoing::Lines, "others have gone first");
    answer(&mut exchange, 0..4);
    (4..7).for_each(|id| _ = request(&mut exchange, id, "a"));
    assert_eq!(poll(&mut exchange), Outgoing::Soon, "one is to come");
    assert_eq!(poll(&mut exchange), Outgoing::Lines);
    let taken_back = request(&mut exchange, 7, "a");
    assert_eq!(poll(&mut exchange), Outgoing::Soon);
    give_up(&mut exchange, taken_back);
    assert_eq!(poll(&mut exchange), Outgoing::Nothing);
    request(&mut exchange, 8, "a");
    assert_eq!(poll(&mut exchange), Outgoing::Soon, "it is another time");
    let taken_back = request(&mut exchange, 9, "a");
    give_up(&mut exchange, taken_back);
    assert_eq!(poll(&mut exchange), Outgoing::Lines);
    let (given_up, _) = exchange.calls.find(&8.into()).unwrap();
    give_up(&mut exchange, given_up);
    assert_eq!(poll(&mut exchange), Outgoing::Lines, "what is no request does not wait");
}
