//! The one local AWS that all stories share, each in an account of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use local::LocalAws;
use tokio::runtime::Runtime;
use tokio::sync::{OnceCell, Semaphore};

use crate::story::Story;

/// Stories mostly wait for each other's processes; more at once only makes each of them slower.
const STORIES_AT_ONCE: usize = 4;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads start")
});
static LOCAL_AWS: OnceCell<LocalAws> = OnceCell::const_new();
static BINARIES: OnceCell<PathBuf> = OnceCell::const_new();
static TURNS: Semaphore = Semaphore::const_new(STORIES_AT_ONCE);
static ACCOUNTS: AtomicU32 = AtomicU32::new(1);

/// Tells one story in a new account with Tidegate, an environment and a service.
pub(crate) fn tell(story: impl AsyncFnOnce(Story)) {
    RUNTIME.block_on(async {
        let _turn = TURNS.acquire().await.expect("turns are never closed");
        let aws = LOCAL_AWS.get_or_init(|| start(None)).await;
        in_a_new_account(aws, async |begun| story(begun).await).await;
    });
}

/// Tells so many stories at once, each in an account of its own.
pub(crate) fn tell_each(stories: usize, story: impl AsyncFn(usize, Story)) {
    RUNTIME.block_on(async {
        let tell = async |number| {
            let _turn = TURNS.acquire().await.expect("turns are never closed");
            let aws = LOCAL_AWS.get_or_init(|| start(None)).await;
            in_a_new_account(aws, async |begun| story(number, begun).await).await;
        };
        futures_util::future::join_all((0..stories).map(tell)).await;
    });
}

/// The functions of an account that is done with would go on running for nobody, on every schedule of theirs.
async fn in_a_new_account(aws: &LocalAws, story: impl AsyncFnOnce(Story)) {
    let begun = Story::begin(aws).await;
    let account = begun.account.clone();
    story(begun).await;
    account.uninstall().await.unwrap_or_else(|problem| panic!("{problem}"));
}

/// Tells a story that starts and stops a local AWS of its own.
pub(crate) fn tell_alone(story: impl AsyncFnOnce()) {
    RUNTIME.block_on(async {
        let _turn = TURNS.acquire().await.expect("turns are never closed");
        story().await;
    });
}

/// A local AWS; with a folder for its state it remembers between clean stops.
pub(crate) async fn start(state: Option<PathBuf>) -> LocalAws {
    let binaries = BINARIES.get_or_init(async || binaries()).await.clone();
    let settings = local::Settings {
        project: project(),
        binaries,
        state,
        home: home(),
        progress: Box::new(|what| eprintln!("{what}")),
    };
    LocalAws::start(settings).await.unwrap_or_else(|problem| panic!("{problem}"))
}

/// The command line.
pub(crate) async fn tidegate() -> PathBuf {
    BINARIES.get_or_init(async || binaries()).await.join("tidegate")
}

pub(crate) fn new_account() -> String {
    format!("7{:011}", ACCOUNTS.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is inside the project").to_owned()
}

/// Where the emulator is installed.
pub(crate) fn home() -> PathBuf {
    project().join(".tidegate")
}

/// Cargo builds no other package's binaries for a test, so that is done here, into the same target folder.
fn binaries() -> PathBuf {
    let this = std::env::current_exe().expect("a test knows its own file");
    let profile = this.ancestors().nth(2).expect("tests are in <target>/<profile>/deps").to_owned();
    let target = profile.parent().expect("tests are in <target>/<profile>/deps");
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "--bins", "--target-dir"]).arg(target).current_dir(project());
    if profile.ends_with("release") {
        build.arg("--release");
    }
    // Cargo tells tests about their package. Some build scripts watch those variables: with them set, half of the
    // dependencies would be compiled again.
    let ours = |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.starts_with(prefix));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(ours) {
            build.env_remove(name);
        }
    }
    let built = build.stdout(Stdio::null()).status().expect("cargo runs");
    assert!(built.success(), "the functions did not compile");
    profile
}
