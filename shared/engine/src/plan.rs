//! From an image to a plan: render, store, make the change set, read it, and bind it by its fingerprint.

use std::collections::BTreeMap;

use config::{EnvironmentRecord, Errand, Rendered, ServiceConfig, ServiceRecord, Standing};
use model::approval::{Directory, Ground, Policy};
use model::effect::Promise;
use model::ids::{EffectKey, EnvironmentName, Fingerprint, ImageDigest, StackName};
use model::release::{Origin, Phase, Plan, PlanLine, Release, Requires, Verify};
use model::signal::{Rollout, Signal};
use model::time::Span;
use model::track::Track;
use sha2::{Digest, Sha256};

use crate::approval::floor_of;
use crate::deployment::deletion;
use crate::errands;
use crate::failure::Failure;
use crate::gate;
use crate::news::news;
use crate::outside;
use crate::places;
use crate::plan_words;
use crate::ports::{
    ChangeSetKind, ChangeSetOrder, ChangeSetRead, Clock, Databases, Listeners, Records, ResourceChange,
    Secrets, Services, Sources, StackRead, Stacks, Templates, Tracks,
};
use crate::push::CONFIG_FILE;
use crate::records::{directory, environment, service_of};
use crate::retirement;
use crate::secrets;
use crate::service_state::{self, Runs};
use crate::stack_status::{Readiness, readiness, stuck};
use crate::traffic;

/// Pages of changes read for one plan.
const CHANGE_PAGES_MAX: usize = 20;
/// Making a change set sends no event that a plan could wait for.
const CHANGE_SET_WAIT: Span = Span::seconds(2);

/// Everything that a plan is made of, read now.
struct Ingredients {
    config: ServiceConfig,
    environment: EnvironmentRecord,
    environment_version: i64,
    directory: Directory,
    /// Key of the base template.
    template: String,
    rendered: Rendered,
}

pub(crate) async fn plan<P>(ports: &P, track: &Track, promise: &Promise) -> Result<Signal, Failure>
where
    P: Tracks + Listeners + Stacks + Services + Secrets + Sources + Records + Templates + Databases + Clock,
{
    let release = track.release(promise.key.release.n);
    let Some((release, image)) = release.and_then(|release| match &release.phase {
        Phase::Planning { image, .. } => Some((release, image)),
        Phase::Building { .. }
        | Phase::AwaitingApproval { .. }
        | Phase::Ready { .. }
        | Phase::Deploying { .. }
        | Phase::Over(_) => None,
    }) else {
        return Ok(Signal::Done { key: promise.key.clone() });
    };
    if release.origin.is_retirement() {
        return retirement::plan(ports, track, (release, image), promise).await;
    }
    let name = track.key.stack();
    let (grounds, stack) =
        futures_util::future::try_join(gather(ports, track, release), ports.stack(&name)).await?;
    let priority =
        places::hold_for_plan(ports, release, &grounds.environment, grounds.file.as_deref()).await?;
    let standing = Standing { priority, serving: traffic::stated(stack.as_ref()) };
    let mut ingredients = grounds.render(&track.key.environment, image, &standing)?;
    let traffic = traffic::hold(ports, stack.as_ref(), &mut ingredients.rendered).await?;
    mark_refresh(track, release, &mut ingredients)?;
    let verify = awaited(&track.key.environment, &mut ingredients)?;
    let kind = match readiness(stack.as_ref().map(|stack| stack.status.as_str())) {
        Readiness::Ready(kind) => kind,
        Readiness::Busy => {
            return Err(Failure::NoCapacity { call: "CreateChangeSet", why: busy(&name, stack.as_ref()) });
        }
        // Nothing was ever live in it, and CloudFormation can do nothing more with it: it is made again.
        Readiness::NeverCame if track.live.is_none() => {
            let why =
                format!("{}: it is deleted, for its first creation failed", busy(&name, stack.as_ref()));
            if let Some(stack) = &stack {
                ports.delete_stack(&stack.id, &deletion(&promise.key)).await?;
            }
            return Err(Failure::NoCapacity { call: "DeleteStack", why });
        }
        Readiness::NeverCame | Readiness::Stuck => {
            let status = stack.as_ref().map_or("gone", |stack| stack.status.as_str());
            return Err(Failure::refused("CreateChangeSet", stuck(track, status)));
        }
    };
    let Some(first) = ports.change_set(&name, &promise.key, None).await? else {
        secrets::check(ports, &ingredients.config, &track.key.environment).await?;
        let rendered = &ingredients.rendered;
        let template_url = ports.store_template(&rendered.sha256, &rendered.template).await?;
        ports
            .create_change_set(&ChangeSetOrder {
                stack: name,
                name: promise.key.clone(),
                kind,
                template_url,
                parameters: rendered.parameters.clone(),
                tags: rendered.tags.clone(),
                capabilities: rendered.capabilities.iter().map(|c| c.as_str().to_owned()).collect(),
                watch: rendered.watch.clone(),
            })
            .await?;
        return read_later(ports, promise);
    };
    match first.status.as_str() {
        "CREATE_COMPLETE" => {
            let change_set = read_whole(ports, &name, &promise.key, first).await?;
            let (news, outside) = futures_util::future::try_join(
                news(ports, track, release),
                outside::changes(ports, track, stack.as_ref()),
            )
            .await?;
            let verify = verify.filter(|awaited| awaited.is_of(&change_set));
            let said = said(ports, track, release, &ingredients.config, verify).await?;
            let mut plan =
                compose(track, (release, image), &promise.key, kind, &ingredients, &change_set, said);
            plan_words::add_gap(&mut plan.lines, traffic.gap(&change_set.changes));
            plan_words::add_outside(&mut plan.lines, outside);
            plan_words::add_commits(&mut plan.lines, news.commits);
            Ok(Signal::Planned {
                n: release.id.n,
                plan: Box::new(plan),
                wish: wish(track, release, &ingredients),
                authors: news.authors,
                ground: Ground {
                    record: floor_of(&ingredients.environment, &release.origin),
                    directory: ingredients.directory,
                },
            })
        }
        "FAILED" if has_no_changes(&first) => {
            let signal = up_to_date(ports, track, release, promise, stack.as_ref()).await?;
            ports.delete_change_set(&name, &promise.key).await?;
            Ok(signal)
        }
        status if status.ends_with("_PENDING") || status.ends_with("_IN_PROGRESS") => {
            read_later(ports, promise)
        }
        status => {
            let reason = first.reason.unwrap_or_else(|| "no reason given".to_owned());
            Err(Failure::refused("CreateChangeSet", format!("the change set is {status}: {reason}")))
        }
    }
}

/// The config asks for its approvals of what is new; going back to what ran is for the record to say.
fn wish(track: &Track, release: &Release, ingredients: &Ingredients) -> Policy {
    match &release.origin {
        Origin::Rollback { .. } => floor_of(&ingredients.environment, &release.origin),
        Origin::Push | Origin::Promotion { .. } | Origin::Redeploy { .. } | Origin::Retirement { .. } => {
            ingredients.config.policy(&track.key.environment)
        }
    }
}

fn timeout(config: &ServiceConfig, environment: &EnvironmentName) -> Span {
    Span::minutes(config.in_environment(environment).timeout_minutes().into())
}

pub(crate) fn busy(name: &StackName, stack: Option<&StackRead>) -> String {
    format!("stack {name} is {}", stack.map_or("gone", |stack| stack.status.as_str()))
}

fn read_later<P: Clock>(ports: &P, promise: &Promise) -> Result<Signal, Failure> {
    let until = ports.now().plus(CHANGE_SET_WAIT);
    Ok(Signal::Waiting {
        key: promise.key.clone(),
        why: "CloudFormation makes the change set".to_owned(),
        until,
    })
}

/// Source: re:Post, "No updates are to be performed"; CloudFormation API, DescribeChangeSet.
fn has_no_changes(change_set: &ChangeSetRead) -> bool {
    let reason = change_set.reason.as_deref().unwrap_or_default();
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}

/// What a plan is rendered from.
struct Grounds {
    service: ServiceRecord,
    environment: EnvironmentRecord,
    environment_version: i64,
    directory: Directory,
    file: Option<Vec<u8>>,
    base: String,
}

impl Grounds {
    fn render(
        self,
        name: &EnvironmentName,
        image: &ImageDigest,
        standing: &Standing,
    ) -> Result<Ingredients, Failure> {
        let Self { service, environment, environment_version, directory, file, base } = self;
        let (config, rendered) =
            render(name, &service, &environment, file.as_deref(), &base, image, standing)
                .map_err(|why| Failure::refused("render", why))?;
        let template = service.template_in(name, &environment).to_owned();
        Ok(Ingredients { config, environment, environment_version, directory, template, rendered })
    }
}

async fn gather<P: Sources + Records + Templates>(
    ports: &P,
    track: &Track,
    release: &Release,
) -> Result<Grounds, Failure> {
    let (service, (environment, environment_version), directory, file) = futures_util::future::try_join4(
        service_of(ports, &release.repository),
        environment(ports, &track.key.environment),
        directory(ports),
        ports.file(&release.repository, &release.revision, CONFIG_FILE),
    )
    .await?;
    let base = base_template(ports, &track.key.environment, &service, &environment).await?;
    Ok(Grounds { service, environment, environment_version, directory, file, base })
}

/// What CloudFormation is to wait for, and by what name.
struct Awaited {
    verify: config::Verify,
    condition: String,
}

impl Awaited {
    /// It waits only for a condition that is new: where nothing changes that could be asked about, there is none.
    fn is_of(&self, change_set: &ChangeSetRead) -> bool {
        change_set.changes.iter().any(|change| change.action == "Add" && change.logical_id == self.condition)
    }
}

fn awaited(name: &EnvironmentName, ingredients: &mut Ingredients) -> Result<Option<Awaited>, Failure> {
    let Some(verify) = errands::verify(name, &ingredients.config) else { return Ok(None) };
    let awaited = ingredients.rendered.await_verdict(&verify);
    let condition = awaited.map_err(|faults| Failure::refused("render", faults.to_string()))?;
    Ok(Some(Awaited { verify, condition }))
}

/// The template's parameter that changes nothing but the task definition.
const REFRESH: &str = "Refresh";

/// A redeploy marks the task definition, so that new tasks are started; plans after it keep the mark.
fn mark_refresh(track: &Track, release: &Release, ingredients: &mut Ingredients) -> Result<(), Failure> {
    let (mark, is_needed) = match &release.origin {
        Origin::Redeploy { .. } => (Some(&release.id), true),
        Origin::Push | Origin::Promotion { .. } | Origin::Rollback { .. } | Origin::Retirement { .. } => {
            (track.live.as_ref().and_then(|live| live.refresh.as_ref()), false)
        }
    };
    let Some(mark) = mark else { return Ok(()) };
    let Ingredients { template, rendered, .. } = ingredients;
    if rendered.declares(REFRESH) {
        rendered.parameters.insert(REFRESH.to_owned(), mark.to_string());
    } else if is_needed {
        let why = format!("{template} has no parameter {REFRESH} to start its tasks anew by");
        return Err(Failure::refused("render", why));
    }
    Ok(())
}

/// The template that the service's record names for the environment, or else the environment's own.
///
/// # Errors
/// `Refused` when there is none.
pub(crate) async fn base_template<P: Templates>(
    ports: &P,
    name: &EnvironmentName,
    service: &ServiceRecord,
    environment: &EnvironmentRecord,
) -> Result<String, Failure> {
    let key = service.template_in(name, environment);
    ports.base_template(key).await?.ok_or_else(|| {
        let own = service.templates.contains_key(name);
        let record = if own { service.service.to_string() } else { name.to_string() };
        let why = format!("{key} is not in the artifact bucket, though the record of {record} names it");
        Failure::refused("template", why)
    })
}

/// Config and template for one image, or what stands against them.
pub(crate) fn render(
    name: &EnvironmentName,
    service: &ServiceRecord,
    environment: &EnvironmentRecord,
    file: Option<&[u8]>,
    base: &str,
    image: &ImageDigest,
    standing: &Standing,
) -> Result<(ServiceConfig, Rendered), String> {
    let file = file.ok_or_else(|| format!("{CONFIG_FILE} is gone from the commit"))?;
    let invalid = |faults: config::Faults| faults.to_string();
    let config = config::parse(file).map_err(invalid)?;
    // Grants may have changed since the push.
    config.check(name, service, environment).map_err(invalid)?;
    let rendered =
        config::render(base, &config, name, service, environment, image, standing).map_err(invalid)?;
    Ok((config, rendered))
}

async fn read_whole<P: Stacks>(
    ports: &P,
    stack: &StackName,
    name: &EffectKey,
    first: ChangeSetRead,
) -> Result<ChangeSetRead, Failure> {
    let mut whole = first;
    for _ in 0..CHANGE_PAGES_MAX {
        let Some(next) = whole.next.take() else { return Ok(whole) };
        let Some(page) = ports.change_set(stack, name, Some(&next)).await? else {
            return Err(Failure::transient("DescribeChangeSet", "the change set vanished while it was read"));
        };
        whole.changes.extend(page.changes);
        whole.next = page.next;
    }
    Err(Failure::refused("DescribeChangeSet", format!("more than {CHANGE_PAGES_MAX} pages of changes")))
}

async fn up_to_date<P: Services>(
    ports: &P,
    track: &Track,
    release: &Release,
    promise: &Promise,
    stack: Option<&StackRead>,
) -> Result<Signal, Failure> {
    let Some(stack) = stack else {
        return Err(Failure::refused(
            "CreateChangeSet",
            "a new stack without resources: is the template empty?",
        ));
    };
    match service_state::read(ports, &track.key.service, stack).await? {
        Runs::Known { deployed, rollout: Rollout::Completed } => {
            Ok(Signal::UpToDate { n: release.id.n, key: promise.key.clone(), deployed })
        }
        // I6: what runs is told once it runs.
        Runs::Known { rollout: Rollout::Running, .. } => Err(Failure::NoCapacity {
            call: "plan",
            why: "nothing would change; the service still moves".to_owned(),
        }),
        Runs::Known { rollout: Rollout::Failed { why }, .. } | Runs::Untold { why } => {
            Err(Failure::refused("plan", format!("nothing would change, yet {why}")))
        }
    }
}

/// What the config says differently from the one that is live.
async fn differences<P: Sources>(
    ports: &P,
    track: &Track,
    release: &Release,
    config: &ServiceConfig,
) -> Result<Vec<String>, Failure> {
    let Some(live) = track.live.as_ref().filter(|live| live.revision != release.revision) else {
        return Ok(Vec::new());
    };
    let file = ports.file(&release.repository, &live.revision, CONFIG_FILE).await?;
    Ok(match file.as_deref().map(config::parse) {
        Some(Ok(before)) => config.differences(&before, &track.key.environment),
        // A commit can be gone, and a rule be newer than a config that was live.
        Some(Err(_)) | None => {
            vec!["what is live was deployed from one that cannot be read any more".to_owned()]
        }
    })
}

/// What a plan says beside what CloudFormation would change.
struct Said {
    requires: Option<Requires>,
    database: Option<PlanLine>,
    differences: Vec<String>,
    verify: Option<Awaited>,
}

async fn said<P: Sources + Databases + Clock>(
    ports: &P,
    track: &Track,
    release: &Release,
    config: &ServiceConfig,
    verify: Option<Awaited>,
) -> Result<Said, Failure> {
    let environment = config.environments.get(&track.key.environment);
    let asked = environment.and_then(|environment| environment.requires.as_ref());
    let requires = gate::of_config(asked, &release.origin);
    let database = match &requires {
        Some(requires) => Some(gate::line(ports, release, requires).await?),
        None => None,
    };
    Ok(Said { requires, database, differences: differences(ports, track, release, config).await?, verify })
}

fn compose(
    track: &Track,
    (release, image): (&Release, &ImageDigest),
    name: &EffectKey,
    kind: ChangeSetKind,
    ingredients: &Ingredients,
    change_set: &ChangeSetRead,
    said: Said,
) -> Plan {
    let mut changes = change_set.changes.clone();
    changes.sort();
    let live = track.live.as_ref().map(|live| &live.image);
    let before = errands::before(&track.key.environment, release, &ingredients.config);
    let mut lines = plan_words::lines(kind, live, image, said.database, said.differences, &changes);
    if let Some(awaited) = &said.verify {
        plan_words::add_verify(&mut lines, &awaited.verify);
    }
    plan_words::add_before(&mut lines, release, before.as_ref());
    let minutes = |minutes: u32| Span::minutes(minutes.into());
    Plan {
        fingerprint: fingerprint(
            track,
            image,
            ingredients,
            (before.as_ref(), said.verify.as_ref().map(|awaited| &awaited.verify)),
            &change_set.parameters,
            &changes,
        ),
        image: image.clone(),
        change_set: name.clone(),
        stack_policy: ingredients.rendered.stack_policy.clone(),
        timeout: Some(timeout(&ingredients.config, &track.key.environment)),
        before: before.as_ref().map(|before| minutes(before.timeout_minutes)),
        verify: said.verify.map(|awaited| Verify {
            limit: minutes(awaited.verify.timeout_minutes()),
            condition: awaited.condition,
        }),
        requires: said.requires,
        deletion: None,
        lines,
    }
}

/// SHA-256 of everything that deploying would change. Canonical: `serde_json` maps are sorted by key.
fn fingerprint(
    track: &Track,
    image: &ImageDigest,
    ingredients: &Ingredients,
    (before, verify): (Option<&Errand>, Option<&config::Verify>),
    resolved: &BTreeMap<String, String>,
    changes: &[ResourceChange],
) -> Fingerprint {
    let rendered = &ingredients.rendered;
    let changes: Vec<_> = changes.iter().map(|c| (&c.logical_id, &c.action, &c.replacement)).collect();
    let mut all = serde_json::json!({
        "stack": track.key.stack().as_str(),
        "image": image.as_str(),
        "template": rendered.sha256,
        "parameters": rendered.parameters,
        "resolved": resolved,
        "tags": rendered.tags,
        "stackPolicy": rendered.stack_policy,
        "capabilities": rendered.capabilities.iter().map(|c| c.as_str()).collect::<Vec<_>>(),
        "watch": rendered.watch,
        "environmentVersion": ingredients.environment_version,
        "changes": changes,
    });
    if let Some(before) = before {
        all["before"] = serde_json::json!(before);
    }
    if let Some(verify) = verify {
        all["verify"] = serde_json::json!(verify);
    }
    Fingerprint::of(&Sha256::digest(all.to_string()).into())
}
