//! Unix sockets.

use super::*;
use mcp_transport::socket::Unix;
use std::{fs, os::unix::fs::MetadataExt, path::PathBuf};
use tokio::net::{UnixListener, UnixStream};

/// A socket in its own directory, which is removed with it.
struct Place {
    directory: PathBuf,
    listener: UnixListener,
}

impl Place {
    fn new(name: &str) -> Self {
        let name = format!("mcp-unix-{}-{name}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        let listener = UnixListener::bind(directory.join("socket")).unwrap();
        Self { directory, listener }
    }

    fn connector(&self) -> Unix {
        Unix::new(self.directory.join("socket"))
    }

    /// Returns the user who runs the tests, and owns the socket.
    fn user(&self) -> u32 {
        fs::metadata(self.directory.join("socket")).unwrap().uid()
    }

    async fn connect(&self, connector: Unix) -> Wire<UnixStream> {
        let link = deadline(connector.connect()).await.unwrap();
        Wire::new(link, deadline(self.listener.accept()).await.unwrap().0)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

// spec: STDIO-14 CUST-03
#[tokio::test]
async fn a_server_is_called_over_a_unix_socket_and_left_in_good_order() {
    let place = Place::new("order");
    let baseline = Baseline::take();
    let mut wire = place.connect(place.connector().close_grace(LONG)).await;
    wire.canary(1).await;
    drop(wire.client);
    assert_eq!(wire.peer.finish().await, Vec::<Value>::new());
    wire.driver.end().await.unwrap();
    baseline.assert_clean().await;
}

// spec: CUST-05
#[tokio::test]
async fn a_socket_of_another_user_is_refused_when_its_owner_matters() {
    let place = Place::new("owner");
    let user = place.user();
    place.connect(place.connector().owner(user)).await.canary(1).await;
    let error = refused(place.connector().owner(user + 1)).await;
    assert!(error.to_string().contains(&format!("user {user} is there")), "{error}");
}

#[tokio::test]
async fn f24_a_socket_that_is_not_there_is_named() {
    let place = Place::new("gone");
    let connector = place.connector();
    let Place { directory, .. } = &place;
    let path = directory.join("socket");
    let nowhere = refused(Unix::new(directory.join("none"))).await;
    assert!(nowhere.to_string().ends_with("none: there is no such place"), "{nowhere}");
    fs::write(directory.join("file"), "").unwrap();
    refused(Unix::new(directory.join("file"))).await;
    // The file outlives its server.
    let listener = std::os::unix::net::UnixListener::bind(directory.join("dead")).unwrap();
    drop(listener);
    let dead = refused(Unix::new(directory.join("dead"))).await;
    assert!(dead.to_string().ends_with("dead: nobody listens there"), "{dead}");
    assert!(path.exists());
    drop(connector);
}

#[tokio::test]
async fn f01_a_server_that_goes_fails_every_call() {
    let place = Place::new("goes");
    let mut wire = place.connect(place.connector()).await;
    let replies = wire.open(1).await;
    drop(wire.peer);
    assert!(failure(replies).await.is_closed());
    assert!(wire.driver.end().await.unwrap_err().is_closed());
}

#[cfg(target_os = "linux")]
#[test]
fn f47_two_hundred_unix_sockets_leave_no_descriptor_and_no_task() {
    let name = "socket::unix::f47_two_hundred_unix_sockets_leave_no_descriptor_and_no_task";
    conformance::alone::succeeds_alone(name, "", || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let place = Place::new("leaks");
            place.connect(place.connector()).await.canary(1).await;
            let baseline = Baseline::take();
            for way in 0..200 {
                let connector = place.connector().close_grace(SHORT);
                end(place.connect(connector).await, way).await;
                if way % 4 == 3 {
                    let gone = Place::new("given-up");
                    let connector = gone.connector();
                    give_up(&connector).await;
                    drop(gone);
                    refused(connector).await;
                }
            }
            baseline.assert_clean().await;
        });
    });
}
