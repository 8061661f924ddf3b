//! `KEEP=1`: everything goes on running, for a person to play with.

use std::path::Path;

use console::style;
use harness::Assets;

use crate::Failure;
use crate::screen::Screen;
use crate::signals::Signals;
use crate::stage::{Stage, program};

/// Says what there is to play with, and waits to be told to end.
pub async fn until_told(
    screen: &Screen,
    mut stage: Stage,
    signals: &mut Signals,
) -> Result<(), Failure> {
    say(screen, &stage).await?;
    loop {
        let failure = tokio::select! {
            failure = stage.watch_over() => failure,
            () = signals.next() => break,
        };
        // A person who kills the operator wants to see what the next one finds.
        let Some(status) = stage.restart_operator().await? else {
            return Err(failure);
        };
        screen.say(&format!(
            "  The operator ended ({status}) and was started again, as process {}: tail -f {}",
            stage.operator_id(),
            stage.operator_log().display()
        ))?;
    }
    screen.say("")?;
    tokio::select! {
        ended = stage.end() => ended,
        () = signals.next() => Ok(()),
    }
}

async fn say(screen: &Screen, stage: &Stage) -> Result<(), Failure> {
    let eks = stage.simulator_url();
    let heading = |text: &str| screen.say(&format!("\n  {}", style(text).bold()));
    heading("Everything goes on running until Ctrl-C. In another terminal:")?;
    screen.say(&format!(
        "    export KUBECONFIG={}",
        stage.kubeconfig().display()
    ))?;
    if let Some(directory) = not_on_path(&Assets::locate().await?.kubectl) {
        screen.say(&format!(
            "    export PATH=\"$PATH:{}\"",
            directory.display()
        ))?;
    }
    let programs = program("kubectl-eks_upgrade")?;
    if let Some(directory) = not_on_path(&programs) {
        screen.say(&format!(
            "    export PATH=\"$PATH:{}\"",
            directory.display()
        ))?;
    }
    screen.say("    kubectl eks-upgrade get -o wide")?;
    screen.say("    kubectl eks-upgrade status edge")?;

    heading("Permit the upgrade that failed another try; this time EKS has addresses:")?;
    screen.say("    kubectl eks-upgrade retry edge")?;
    screen.say("    kubectl eks-upgrade watch edge")?;

    heading("Gates: a plan that is not carried out, windows, and the emergency stop:")?;
    screen
        .say("    kubectl apply -f deploy/samples/suspended.yaml -f deploy/samples/windows.yaml")?;
    screen.say("    kubectl eks-upgrade status invoices")?;
    screen.say("    kubectl label clusterupgrade orders tier=production")?;
    screen.say("    kubectl apply -f deploy/samples/emergency-stop.yaml")?;

    heading("EKS, for the AWS CLI:")?;
    screen.say("    export AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo")?;
    screen.say(&format!(
        "    export AWS_DEFAULT_REGION=eu-central-1 AWS_ENDPOINT_URL={eks}"
    ))?;
    screen.say("    aws eks list-updates --name search")?;
    screen.say(&format!(
        "    curl '{eks}/_simulator/calls?operation=UpdateClusterVersion'"
    ))?;

    heading("The operator, which is started again when it ends:")?;
    screen.say(&format!("    curl {}", stage.metrics_url()))?;
    screen.say(&format!("    tail -f {}", stage.operator_log().display()))?;
    screen.say(&format!("    kill -9 {}", stage.operator_id()))?;
    screen.say("")?;
    Ok(())
}

/// The directory of a program that a shell would not find.
fn not_on_path(program: &Path) -> Option<&Path> {
    let directory = program.parent()?;
    let path = std::env::var_os("PATH")?;
    let is_on_path = std::env::split_paths(&path).any(|on_path| on_path == directory);
    (!is_on_path).then_some(directory)
}
