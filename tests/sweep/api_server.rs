//! The API server is restarted while an intent is open.

use harness::{ControlPlane, Process};

use super::call::Call;
use super::seat::{Seat, config};
use super::stops::Moment;
use super::world::{CRDS, World, install_crds, update};

/// A directory of its own that is removed at the end.
struct Directory(std::path::PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}

/// Starts the API server again, which may be at another address, and leads the operator there.
async fn again(directory: &Directory, world: World, seat: &Seat) -> (ControlPlane, World) {
    let plane = ControlPlane::start_in(&directory.0).await.unwrap();
    seat.api.leads_to(config(plane.kubeconfig_path()).await);
    let world = world.again(&plane).await;
    (plane, world)
}

#[tokio::test]
async fn the_api_server_restarts_during_each_send_and_each_hop_is_accepted_once() {
    let directory = Directory(std::env::temp_dir().join(format!("sweep-{}", uuid::Uuid::new_v4())));
    std::fs::create_dir_all(&directory.0).unwrap();
    let plane = ControlPlane::start_in(&directory.0).await.unwrap();
    install_crds(&plane, CRDS).await;
    let world = World::on(
        &plane,
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}]}",
    )
    .await;
    let seat = Seat::at(&world).await;
    let mut first = seat.eks.stop(Moment::Before, Call::is_send);
    world.create(World::manifest("prod", "1.35")).await;
    let operator = seat.operator(&world);

    // EKS accepts the first while nobody can write that down.
    let send = first.reached().await;
    plane.stop().await.unwrap();
    send.go_on();
    world.until_asked("EKS has it", |call| call.accepted).await;
    let mut second = seat.eks.stop(Moment::After, Call::is_send);
    let (plane, world) = again(&directory, world, &seat).await;

    // The second was accepted and its answer is lost, and meanwhile the intent cannot be read.
    let send = tokio::select! {
        send = second.reached() => send,
        () = up_to_date(&world, &operator) => panic!("only one send: {:?}", world.sends("prod")),
    };
    let intent = world.get("prod").await;
    assert!(update(&intent).unwrap().is_open_intent());
    plane.stop().await.unwrap();
    drop(send);
    let (_plane, world) = again(&directory, world, &seat).await;
    up_to_date(&world, &operator).await;

    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.35"]);
    let sends = world.sends("prod");
    assert!(sends.iter().all(|send| send.error.is_none()), "{sends:?}");
    let status = world.get("prod").await.status.unwrap();
    assert_eq!((status.attempts, status.history.len()), (Some(2), 2));
}

async fn up_to_date(world: &World, operator: &Process) {
    world
        .until_reason_or("prod", "UpToDate", || operator.tail())
        .await;
}
