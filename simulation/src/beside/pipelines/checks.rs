//! What must hold of requests: who decides them (I1), that they end and are told of once (I13), and where (I14).

use super::*;

impl World {
    /// Counted from what people said, in other words than the product's.
    pub(super) fn lacks_voices(&mut self, id: &PipelineRequestId, run: &Run, answer: Said) -> Option<String> {
        self.base.coverage.hit("checked", "I13");
        let said = self.said.get(id.as_str()).cloned().unwrap_or_default();
        if answer == Said::Reject {
            let somebody = !said.reject.is_empty() || said.reply.contains("reject");
            return (!somebody).then(|| format!("{id} is rejected, and nobody who is known did"));
        }
        let starter = (run.started_by == crate::events::pusher()).then_some("ana");
        let needed = self.approvals.max(1) + u32::from(starter.is_none() && self.approvals > 0);
        let people = said.approve.iter().filter(|name| starter != Some(**name)).count() as u32;
        let reply = u32::from(self.replies && said.reply.contains("approve"));
        let counted = people + reply;
        (counted < needed).then(|| format!("{id} is approved with {counted} of {needed} voices"))
    }

    /// I9: what is said in Slack is read by more than those who are asked.
    pub(super) fn tells_no_token(&mut self, text: &str) {
        if self.tokens.values().any(|token| text.contains(token)) {
            self.base.violations.push("I9: a reply token is in Slack".to_owned());
        }
    }

    pub(super) fn rest(&mut self) {
        self.base.coverage.hit("checked", "I13");
        let requests: Vec<Request> = self.table.values().cloned().collect();
        for request in requests {
            let id = &request.id;
            let run = self.runs.iter().find(|run| request_of(&run.token) == *id).cloned();
            let truth = run.and_then(|run| run.end).map(|(end, _)| end);
            let Phase::Over { ending, .. } = &request.phase else {
                self.base.wrong(format!("{id} is not over: {:?}; in truth {truth:?}", request.phase));
                continue;
            };
            let (name, is_true) = match ending {
                Ending::Approved => ("approved", truth == Some(End::Ours(Said::Approve))),
                Ending::Rejected { .. } => ("rejected", truth == Some(End::Ours(Said::Reject))),
                Ending::AnsweredThere { answer, .. } => {
                    let name = if *answer == Said::Approve { "approved there" } else { "rejected there" };
                    (name, truth == Some(End::There(*answer)))
                }
                Ending::Expired => ("expired", truth == Some(End::Expired)),
                Ending::RefusedOrExpired => (
                    "rejected there or expired",
                    matches!(truth, Some(End::Expired | End::There(Said::Reject))),
                ),
                Ending::Abandoned { .. } => ("abandoned", truth == Some(End::Superseded)),
                Ending::Gone => ("gone", false),
            };
            self.base.coverage.hit("pipeline ending", name);
            if !is_true {
                self.base.wrong(format!("{id} is called {name}; in truth {truth:?}"));
            }
            let told = self.told.get(&(id.clone(), Notice::Ended)).cloned().unwrap_or_default();
            if told.is_empty() || told.iter().any(|words| *words != told[0]) || !request.told.ended {
                self.base.wrong(format!("the end of {id} is told as {told:?}"));
            }
            self.was_told_again_in_time(&request);
        }
        self.each_was_told_once();
    }

    /// Who could not remember what it told, told it again.
    pub(super) fn each_was_told_once(&mut self) {
        let told: Vec<_> = self.told.iter().map(|(what, told)| (what.clone(), told.len())).collect();
        for ((id, notice), times) in told {
            let failed = self.untold.get(&id).copied().unwrap_or_default();
            if times > 1 + failed {
                self.base.wrong(format!("{id} is told {times} times: {notice:?}, with {failed} failures"));
            }
        }
    }

    /// A request that was open for long was told again, once or twice.
    pub(super) fn was_told_again_in_time(&mut self, request: &Request) {
        let (Some(expires), Some(closed)) = (request.expires, self.closed.get(&request.id)) else { return };
        let half = request.asked_at.0.midpoint(expires.0);
        let again = [Notice::Reminded, Notice::Escalated]
            .iter()
            .any(|notice| self.told.contains_key(&(request.id.clone(), *notice)));
        if half + NUDGED_LATE_MS < (*closed).min(expires.0) && !again {
            self.base.wrong(format!("{} was open until {closed}, and nobody was told again", request.id));
        }
    }

    /// People are told of a request.
    pub(super) fn tells(&mut self, id: &PipelineRequestId, notice: Notice, words: &str) {
        self.base.coverage.hit("pipeline told", notice.name());
        let Some(request) = self.table.get(id).cloned() else {
            return self.base.wrong(format!("people are told of {id}, which nobody asked for"));
        };
        let open = request.expires.map(|expires| (request.asked_at.0, expires.0));
        let is_early = |quarters: u64| {
            open.is_some_and(|(from, to)| self.base.now < from + to.saturating_sub(from) / 4 * quarters)
        };
        let (is_remembered, is_early) = match notice {
            Notice::Asked => (request.told.asked, false),
            Notice::Reminded => (request.told.nudged >= Nudged::Reminded, is_early(2)),
            Notice::Escalated => (request.told.nudged == Nudged::Escalated, is_early(3)),
            Notice::Ended => (request.told.ended, !request.is_over()),
        };
        if is_remembered || is_early {
            self.base.wrong(format!("{id} is told out of its time: {notice:?}, {:?}", request.told));
        }
        self.told.entry((id.clone(), notice)).or_default().push(words.to_owned());
    }

    /// I14: with a record, what is shown comes to its first route and what is told to its second.
    pub(super) fn is_in_its_place(&mut self, channel: &str, is_shown: bool) {
        self.base.coverage.hit("checked", "I14");
        let expected = match (self.routed, is_shown) {
            (true, true) => SHOWN_IN,
            (true, false) => TOLD_IN,
            (false, _) => OWN_CHANNEL,
        };
        if channel != expected {
            self.base.violations.push(format!("I14: {channel} has what belongs to {expected}"));
        }
        if !is_shown {
            self.base.coverage.hit("pipeline told", "in another channel");
        }
    }
}
