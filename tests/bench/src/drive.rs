//! Runs a plan with any client.

use crate::{
    measure::{Meter, Outcome},
    plan::{Plan, Work},
};
use anyhow::Result;
use std::{
    future::Future,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

/// A client under measurement. Clones share a connection.
pub trait Driver: Clone + Send + Sync + 'static {
    /// Connects, as the plan says.
    fn connect(plan: Plan) -> impl Future<Output = Result<Self>> + Send;

    /// Does the work of one call.
    fn call(&self, work: Work) -> impl Future<Output = Result<()>> + Send;
}

/// The body of the `main` of a driver.
pub fn main<D: Driver>(plan: &Plan) -> Result<()> {
    let own = plan.clone();
    print(plan, async move { run::<D>(&own).await })
}

/// Runs something in a task or on the main thread, as the plan says, and prints what came of it.
pub fn print<F>(plan: &Plan, run: F) -> Result<()>
where
    F: Future<Output = Result<Outcome>> + Send + 'static,
{
    let runtime = runtime(plan)?;
    let outcome = if plan.threads && !plan.main_thread {
        runtime.block_on(runtime.spawn(run))??
    } else {
        runtime.block_on(run)?
    };
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&outcome)?)?;
    Ok(())
}

pub fn runtime(plan: &Plan) -> Result<tokio::runtime::Runtime> {
    let mut builder = if plan.threads {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    Ok(builder.enable_all().build()?)
}

/// Runs the plan: a warm-up, then the calls that count.
pub async fn run<D: Driver>(plan: &Plan) -> Result<Outcome> {
    match plan.work {
        Work::Connect => return connect::<D>(plan).await,
        Work::Idle => return idle::<D>(plan).await,
        _ => {}
    }
    let driver = D::connect(plan.clone()).await?;
    in_flight(&driver, plan, Meter::warm_up(plan)?).await?;
    in_flight(&driver, plan, Meter::start(plan)?).await
}

async fn in_flight<D: Driver>(driver: &D, plan: &Plan, meter: Meter) -> Result<Outcome> {
    if plan.in_flight == 1 {
        return one_by_one(driver, plan, meter).await;
    }
    let (meter, begun) = (Arc::new(meter), Arc::new(AtomicU64::new(0)));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..plan.in_flight {
        let (driver, meter, begun, work) =
            (driver.clone(), Arc::clone(&meter), Arc::clone(&begun), plan.work);
        tasks.spawn(async move {
            while meter.goes_on(begun.fetch_add(1, Ordering::Relaxed)) {
                driver.call(work).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome??;
    }
    let calls = begun.load(Ordering::Relaxed).saturating_sub(plan.in_flight);
    let meter = Arc::try_unwrap(meter).map_err(|_| anyhow::anyhow!("a task is left"))?;
    meter.outcome(calls, Vec::new())
}

async fn one_by_one<D: Driver>(driver: &D, plan: &Plan, meter: Meter) -> Result<Outcome> {
    let mut calls = 0;
    let mut times = Vec::new();
    if plan.calls.is_none() {
        times.reserve(1 << 20);
    }
    while meter.goes_on(calls) {
        let start = Instant::now();
        driver.call(plan.work).await?;
        calls += 1;
        if times.len() < times.capacity() {
            times.push(start.elapsed());
        }
    }
    meter.outcome(calls, times)
}

/// Connects again and again, each time for one small result.
async fn connect<D: Driver>(plan: &Plan) -> Result<Outcome> {
    let meter = Meter::start(plan)?;
    let (mut calls, mut times) = (0, Vec::new());
    while meter.goes_on(calls) {
        let start = Instant::now();
        D::connect(plan.clone()).await?.call(Work::Echo).await?;
        times.push(start.elapsed());
        calls += 1;
    }
    meter.outcome(calls, times)
}

/// Opens sessions and leaves them idle: what matters is how much memory they take.
async fn idle<D: Driver>(plan: &Plan) -> Result<Outcome> {
    let first = D::connect(plan.clone()).await?;
    first.call(Work::Echo).await?;
    let meter = Meter::start(plan)?;
    let mut sessions = Vec::new();
    for _ in 0..plan.in_flight {
        let session = D::connect(plan.clone()).await?;
        session.call(Work::Echo).await?;
        sessions.push(session);
    }
    meter.outcome(plan.in_flight, Vec::new())
}
