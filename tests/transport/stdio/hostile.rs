//! Hostile environments: no descriptors left, ignored signals, panicking tasks.

use super::*;
use conformance::{alone::succeeds_alone, clean::Baseline};
use mcp_transport::Delivery;
use std::os::unix::process::ExitStatusExt;
use tokio::task::JoinSet;

#[test]
fn f76_without_descriptors_a_start_fails_and_other_connections_go_on() {
    let name = "stdio::hostile::f76_without_descriptors_a_start_fails_and_other_connections_go_on";
    succeeds_alone(name, "ulimit -n 48", || {
        runtime().block_on(async {
            let child = Child::start(python("serve()")).await;
            child.call(1).await;
            let baseline = Baseline::take();
            let mut hoard = Vec::new();
            while let Ok(file) = fs::File::open("/dev/null") {
                hoard.push(file);
            }
            for spare in 0..6 {
                let error = deadline(sh("read -r line").connect()).await.unwrap_err();
                assert!(error.is_connect() && error.delivery() == Delivery::NotSent, "{error:?}");
                assert!(error.to_string().contains("no descriptor"), "{spare}: {error}");
                child.call(2 + spare).await;
                // Starting needs several: it fails at a different place each time.
                hoard.pop();
            }
            drop(hoard);
            // The one living child is not a leak.
            assert_eq!(conformance::clean::children().len(), 1);
            child.close().await.unwrap();
            baseline.assert_clean().await;
        });
    });
}

#[test]
fn f80_with_sigchld_ignored_nothing_hangs() {
    let name = "stdio::hostile::f80_with_sigchld_ignored_nothing_hangs";
    // A shell does not pass this on.
    let ignoring = "exec python3 -c 'import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])' \"$@\"";
    succeeds_alone(name, ignoring, || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
        let ignored = u64::from_str_radix(ignored.trim(), 16).unwrap();
        assert_ne!(ignored & 1 << 16, 0, "signal 17 is ignored");
        runtime().block_on(async {
            for _ in 0..5 {
                let child = Child::start(python("serve()")).await;
                child.call(1).await;
                child.close().await.unwrap();
                let mut child = Child::start(python("receive(); sys.exit(3)")).await;
                // The status may be lost, but not that the child is gone.
                assert!(failure(child.open(1).await).await.is_closed());
                assert!(child.driver.end().await.is_err());
                let child = Child::start(python("time.sleep(60)")).await;
                child.driver.cut().await;
            }
            deadline(async {
                while !conformance::clean::children().is_empty() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
            .await;
        });
    });
}

#[test]
fn f53_a_panic_beside_the_driver_kills_the_group() {
    runtime().block_on(async {
        let mut link = deadline(python(super::shutdown::FAMILY).connect()).await.unwrap();
        let mut unsolicited = link.unsolicited;
        let (tell, told) = tokio::sync::oneshot::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let (mut pids, mut tell) = (Vec::new(), Some(tell));
            loop {
                tokio::select! {
                    _ = &mut link.driver => return,
                    Some(Arrival::Message(Message::Notification(it))) = unsolicited.next() => {
                        let params: Value = it.params.unwrap().decode().unwrap();
                        pids.push(params["pid"].as_u64().unwrap());
                    }
                }
                if pids.len() == 2 {
                    tell.take().unwrap().send(pids.clone()).unwrap();
                    panic!("as the test wants it");
                }
            }
        });
        assert!(deadline(tasks.join_next()).await.unwrap().unwrap_err().is_panic());
        for pid in deadline(told).await.unwrap() {
            gone(pid).await;
        }
        let mut transport = link.transport;
        let message = ClientMessage::new(Request::new(1, "a"));
        assert!(deadline(transport.call(message)).await.unwrap_err().is_closed());
    });
}

#[test]
fn f54_every_end_of_a_runtime_kills_the_group() {
    type End = fn(tokio::runtime::Runtime);
    let ends: [End; 3] = [drop, tokio::runtime::Runtime::shutdown_background, |runtime| {
        runtime.shutdown_timeout(Duration::from_millis(100))
    }];
    for end in ends {
        for is_multi in [false, true] {
            let first = if is_multi { runtime_of_threads() } else { runtime() };
            let (child, pids) = first.block_on(async {
                let mut child = Child::start(python(super::shutdown::FAMILY)).await;
                let pids = [child.pid().await, child.pid().await];
                (child, pids)
            });
            end(first);
            runtime().block_on(async {
                for pid in pids {
                    gone(pid).await;
                }
            });
            drop(child);
        }
    }
}

#[tokio::test]
async fn f51_a_connect_or_an_end_that_is_dropped_anywhere_leaves_nothing() {
    for polls in 0..20 {
        let Child { client, unsolicited, driver } =
            Child::start(python(super::shutdown::FAMILY)).await;
        let mut child = Child { client, unsolicited, driver };
        let pids = [child.pid().await, child.pid().await];
        let Child { client, unsolicited, driver } = child;
        drop((client, unsolicited));
        for _ in 0..polls {
            tokio::task::yield_now().await;
        }
        driver.cut().await;
        for pid in pids {
            gone(pid).await;
        }
    }
}

#[tokio::test]
async fn f44_a_child_that_is_killed_at_once_says_so() {
    let mut child = Child::start(sh("kill -KILL $$")).await;
    let end = child.driver.end().await.unwrap_err();
    assert_eq!(end.server_exit().and_then(|exit| exit.signal()), Some(9));
    let message = ClientMessage::new(Request::new(1, "a"));
    let refused = deadline(child.client.call(message)).await.unwrap_err();
    assert!(refused.is_closed() && refused.delivery() == Delivery::NotSent);
}
