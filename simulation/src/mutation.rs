//! Faults that the product could have. None is in its code: `Mutated` stands between it and its ports and changes what
//! it reads, what it sends, or what is stored of its decisions.

/// What the product does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    // ---- what is stored
    /// A decision is written over whatever is stored.
    VersionUnchecked,
    /// A decision is stored without its promises.
    OutboxSkipped,
    /// An announcement is taken off the outbox before it is made.
    DoneBeforeDone,
    /// A lost race is taken for a commit.
    LostRaceIgnored,
    /// Places on a listener are written over whatever is stored.
    PlacesOverwritten,

    // ---- what is decided
    /// A superseded release stays in flight.
    SupersededKept,
    /// Releases are ordered by the time of their commits, not by their number.
    CommitTimeOrders,
    /// A push supersedes what is being deployed, too.
    DeploymentSuperseded,
    /// A push takes back what is being deployed.
    DeploymentStopped,
    /// A plan needs no approval.
    ApprovalSkipped,
    /// Approvals of a plan count for the next one, whatever its fingerprint.
    VotesCarriedOver,
    /// What is retired stays live, and keeps its place on the listener.
    RetiredKept,

    // ---- who is believed
    /// A reply needs no token.
    AnyTokenTaken,
    /// An order needs no signature of whoever it says gives it.
    AnySignatureTaken,
    /// Whoever the directory knows is taken for a member of the workspace.
    GuestsTaken,
    /// The environment's floor is not read again when an answer comes.
    FloorRemembered,
    /// A database that a release needs is taken to be restorable.
    BackupsTakenForGranted,
    /// The push event's commit is taken for the branch's head.
    EventTrusted,
    /// The head is read before the track is, and not again.
    HeadReadOnce,
    /// A head that has its release already is not recognised.
    HeadNotRecognised,

    // ---- what is not sent, or not looked at
    /// StartBuild is sent without its idempotency token.
    TokenUnsent,
    /// A task is started without its idempotency token, and without a look whether it runs.
    TaskTokenUnsent,
    /// A task that ended is taken to have ended well.
    ExitCodeUnread,
    /// Whatever its `verify` found, CloudFormation is told that all is well.
    AlwaysWell,
    /// The registry is believed, and not compared with what the build exported.
    ExportUnread,
    /// A stack is called updated when its rollback is complete.
    RollbackUnread,
    /// A stack that is being deleted is taken to be gone.
    DeletionUnread,
    /// The service's rollout is taken for completed.
    RolloutUnread,
    /// The task definition is taken to name the planned digest.
    DigestUnread,
    /// An execution without an answer is taken for a refused one.
    TimeoutIsRefusal,
    /// Every ending is announced as a deployment.
    EndingUnread,
    /// Every release is shown in the installation's own channel.
    RoutesIgnored,
    /// News go to the team's channel, whatever they are about.
    NewsMixedUp,

    // ---- the sweep
    /// It wakes nobody.
    NobodySwept,
    /// It wakes for promises only.
    DeadlinesUnswept,
    /// It does not wait until a promise is overdue.
    LeaseIgnored,
    /// It patrols nothing.
    PatrolSkipped,
    /// It takes one track that has the head as proof for the others.
    OneTrackProvesAll,
}

impl Mutation {
    pub const ALL: [Mutation; 38] = [
        Mutation::VersionUnchecked,
        Mutation::OutboxSkipped,
        Mutation::DoneBeforeDone,
        Mutation::LostRaceIgnored,
        Mutation::PlacesOverwritten,
        Mutation::SupersededKept,
        Mutation::CommitTimeOrders,
        Mutation::DeploymentSuperseded,
        Mutation::DeploymentStopped,
        Mutation::ApprovalSkipped,
        Mutation::VotesCarriedOver,
        Mutation::RetiredKept,
        Mutation::AnyTokenTaken,
        Mutation::AnySignatureTaken,
        Mutation::GuestsTaken,
        Mutation::FloorRemembered,
        Mutation::BackupsTakenForGranted,
        Mutation::EventTrusted,
        Mutation::HeadReadOnce,
        Mutation::HeadNotRecognised,
        Mutation::TokenUnsent,
        Mutation::TaskTokenUnsent,
        Mutation::ExitCodeUnread,
        Mutation::AlwaysWell,
        Mutation::ExportUnread,
        Mutation::RollbackUnread,
        Mutation::DeletionUnread,
        Mutation::RolloutUnread,
        Mutation::DigestUnread,
        Mutation::TimeoutIsRefusal,
        Mutation::EndingUnread,
        Mutation::RoutesIgnored,
        Mutation::NewsMixedUp,
        Mutation::NobodySwept,
        Mutation::DeadlinesUnswept,
        Mutation::LeaseIgnored,
        Mutation::PatrolSkipped,
        Mutation::OneTrackProvesAll,
    ];

    /// What must complain of it: how a violation of that invariant begins.
    pub fn breaks(self) -> &'static str {
        match self {
            Mutation::ApprovalSkipped
            | Mutation::VotesCarriedOver
            | Mutation::AnyTokenTaken
            | Mutation::AnySignatureTaken
            | Mutation::GuestsTaken
            | Mutation::FloorRemembered
            | Mutation::BackupsTakenForGranted
            | Mutation::ExitCodeUnread => "I1: ",
            Mutation::DeploymentSuperseded | Mutation::DeploymentStopped => "I2: ",
            Mutation::VersionUnchecked
            | Mutation::OutboxSkipped
            | Mutation::DoneBeforeDone
            | Mutation::NobodySwept
            | Mutation::DeadlinesUnswept
            | Mutation::PatrolSkipped
            | Mutation::OneTrackProvesAll => "I3: ",
            Mutation::EventTrusted | Mutation::HeadReadOnce | Mutation::HeadNotRecognised => "I4: ",
            Mutation::LostRaceIgnored | Mutation::TokenUnsent | Mutation::TaskTokenUnsent => "I5: ",
            Mutation::ExportUnread
            | Mutation::RollbackUnread
            | Mutation::DeletionUnread
            | Mutation::RolloutUnread
            | Mutation::DigestUnread
            | Mutation::TimeoutIsRefusal
            | Mutation::AlwaysWell
            | Mutation::EndingUnread => "I6: ",
            Mutation::SupersededKept | Mutation::CommitTimeOrders => "I8: ",
            Mutation::PlacesOverwritten | Mutation::RetiredKept => "I11: ",
            Mutation::RoutesIgnored | Mutation::NewsMixedUp => "I14: ",
            Mutation::LeaseIgnored => "Cost: ",
        }
    }
}
