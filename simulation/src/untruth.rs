//! A world that lies, to see that a product which believed such a lie, or told it, would be caught. The lies are in
//! the world's answers; the product knows nothing of them.

/// What the ports do that they must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untruth {
    None,
    /// A commit is written whatever version is stored: as if the product skipped its condition.
    VersionUnchecked,
    /// Messages and the sweep's findings vanish: as if the product skipped the outbox.
    NobodyIsWoken,
    /// Stack events tell of a completed update where there was a rollback: as if the product never asked why.
    RollbackHidden,
    /// The task definition is said to name the digest that was last asked for: as if the product trusted the plan.
    DigestAssumed,
    /// Builds can be started twice under one id, and are never found again: as if the product did not look.
    BuildsForgotten,
    /// Releases are announced as deployed whatever their ending.
    EveryoneIsToldDeployed,
    /// The patrol is told that nothing is registered.
    NothingIsPatrolled,
}

impl Untruth {
    pub const ALL: [Untruth; 7] = [
        Untruth::VersionUnchecked,
        Untruth::NobodyIsWoken,
        Untruth::RollbackHidden,
        Untruth::DigestAssumed,
        Untruth::BuildsForgotten,
        Untruth::EveryoneIsToldDeployed,
        Untruth::NothingIsPatrolled,
    ];
}
