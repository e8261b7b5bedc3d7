//! What a test asks: what was sent, what comes, what must not.

use std::panic::Location;
use std::time::Duration;

use super::Discord;
use super::gateway::{Identified, Resumption};
use super::log::Sent;
use super::people::Deed;
use super::state::{Answer, Asked, World};

impl Discord {
    /// How long to wait for something before the test fails; 10 s by default.
    pub fn patience(mut self, patience: Duration) -> Discord {
        self.patience = patience;
        self
    }

    /// Everything that was sent, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.inner.lock().log.clone()
    }

    /// Every request of the bot, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.inner.lock().asked.clone()
    }

    /// How many requests were answered with 401, 403 or 429; 10,000 in ten minutes ban an address.
    pub fn invalid_requests(&self) -> u64 {
        self.inner.lock().invalid_requests
    }

    /// The shards that identified, in order.
    pub fn identified(&self) -> Vec<Identified> {
        self.inner.lock().gateway.identified.clone()
    }

    /// The sessions that were resumed, in order.
    pub fn resumed(&self) -> Vec<Resumption> {
        self.inner.lock().gateway.resumed.clone()
    }

    /// The codes with which the bot closed connections.
    pub fn goodbyes(&self) -> Vec<u16> {
        self.inner.lock().gateway.closed_by_bot.clone()
    }

    /// The codes with which connections of the bot were closed.
    pub fn rejections(&self) -> Vec<u16> {
        self.inner.lock().gateway.closed_by_us.clone()
    }

    /// How many heartbeats came.
    pub fn heartbeats(&self) -> u64 {
        self.inner.lock().gateway.heartbeats
    }

    /// The interactions that Discord has given up on: "The application did not respond".
    pub fn unanswered(&self) -> Vec<String> {
        let world = self.inner.lock();
        let now = self.inner.now();
        let late = world.interactions.values().filter(|one| one.answer == Answer::None);
        late.filter(|one| now > one.made + world.deadline).map(|one| one.name.clone()).collect()
    }

    /// Names of the commands that are registered everywhere, in order.
    pub fn commands(&self) -> Vec<String> {
        let world = self.inner.lock();
        let all = world.commands.get(&0).into_iter().flatten();
        all.filter_map(|one| one["name"].as_str()).map(str::to_owned).collect()
    }

    /// Waits for something that was sent and that no call before this one has waited for.
    #[track_caller]
    pub fn hears(&self, fits: impl Fn(&Sent) -> bool) -> impl Future<Output = Sent> {
        // What was looked at once isn't looked at again.
        let mut looked = 0;
        self.wait("nothing that was sent fits", move |world| {
            let new = world.log[looked..].iter();
            let found = new.clone().find(|sent| !world.heard.contains(&sent.number) && fits(sent)).cloned();
            looked = world.log.len();
            let found = found?;
            world.heard.insert(found.number);
            Some(found)
        })
    }

    /// Waits for the first answer to something that a person did.
    #[track_caller]
    pub fn answers(&self, deed: Deed) -> impl Future<Output = Sent> {
        self.hears(move |sent| sent.interaction == Some(deed.id))
    }

    /// Makes sure that nothing that fits is sent for so long.
    #[track_caller]
    pub fn stays_silent(&self, time: Duration, fits: impl Fn(&Sent) -> bool) -> impl Future<Output = ()> {
        let here = Location::caller();
        async move {
            tokio::time::sleep(time).await;
            let world = self.inner.lock();
            let found = world.log.iter().find(|sent| !world.heard.contains(&sent.number) && fits(sent));
            let line = found.map(Sent::line);
            drop(world);
            assert!(
                line.is_none(),
                "{here}: there should have been silence, but: {}",
                line.unwrap_or_default()
            );
        }
    }

    /// Waits until every shard of the bot is connected: at least one, and no session without a connection.
    #[track_caller]
    pub fn logged_in(&self) -> impl Future<Output = ()> {
        self.wait("the bot is not connected", |world| {
            let sessions = &world.gateway.sessions;
            let whole = sessions.first().is_some_and(|first| sessions.len() as u64 == first.shard.1);
            (whole && sessions.iter().all(|session| session.line.is_some())).then_some(())
        })
    }

    /// Waits until so many sessions were resumed.
    #[track_caller]
    pub fn has_resumed(&self, times: usize) -> impl Future<Output = ()> {
        self.wait("the bot has not resumed", move |world| {
            (world.gateway.resumed.len() >= times).then_some(())
        })
    }

    /// Waits until shards have identified so many times.
    #[track_caller]
    pub fn has_identified(&self, times: usize) -> impl Future<Output = ()> {
        self.wait("the bot has not identified", move |world| {
            (world.gateway.identified.len() >= times).then_some(())
        })
    }

    /// Waits until these commands are registered.
    #[track_caller]
    pub fn has_commands(&self, names: &[&str]) -> impl Future<Output = ()> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        self.wait("commands are missing", move |world| {
            let all = world.commands.values().flatten().filter_map(|one| one["name"].as_str());
            let all: Vec<&str> = all.collect();
            names.iter().all(|name| all.contains(&name.as_str())).then_some(())
        })
    }

    /// Waits until the bot has asked for a route so many times, whatever the answer was.
    #[track_caller]
    pub fn has_asked(&self, route: &str, times: usize) -> impl Future<Output = ()> {
        let route = route.to_owned();
        self.wait("there were fewer requests", move |world| {
            let answered = |one: &&Asked| one.route == route && one.status != 0;
            (world.asked.iter().filter(answered).count() >= times).then_some(())
        })
    }

    /// Waits for the bot to break a rule, and forgives it.
    #[track_caller]
    pub fn catches(&self) -> impl Future<Output = String> {
        let here = Location::caller();
        async move {
            let caught =
                self.until(|world| (!world.violations.is_empty()).then(|| world.violations.remove(0))).await;
            caught.unwrap_or_else(|| panic!("{here}: no rule was broken"))
        }
    }

    /// Fails if a rule was broken.
    #[track_caller]
    pub fn verify(&self) {
        let world = self.inner.lock();
        let violation = world.violations.first().cloned();
        drop(world);
        if let Some(violation) = violation {
            panic!("the bot broke a rule of Discord's\n  {violation}");
        }
    }

    /// Waits for `ready`; a broken rule or the end of patience fails the test.
    #[track_caller]
    fn wait<T>(
        &self,
        otherwise: &str,
        mut ready: impl FnMut(&mut World) -> Option<T>,
    ) -> impl Future<Output = T> {
        let here = Location::caller();
        let otherwise = otherwise.to_owned();
        async move {
            let found = self.until(|world| {
                if let Some(violation) = world.violations.first() {
                    return Some(Err(violation.clone()));
                }
                ready(world).map(Ok)
            });
            match found.await {
                Some(Ok(found)) => found,
                Some(Err(violation)) => panic!("{here}: the bot broke a rule of Discord's\n  {violation}"),
                None => panic!("{here}: {otherwise} within {:?}\n{}", self.patience, self.account()),
            }
        }
    }

    async fn until<T>(&self, mut ready: impl FnMut(&mut World) -> Option<T>) -> Option<T> {
        let mut turned = self.inner.turned.subscribe();
        let waiting = async {
            loop {
                turned.mark_unchanged();
                if let Some(found) = ready(&mut self.inner.lock()) {
                    return found;
                }
                turned.changed().await.expect("the fake is there");
            }
        };
        tokio::time::timeout(self.patience, waiting).await.ok()
    }

    /// What happened so far, for a test that fails.
    fn account(&self) -> String {
        let world = self.inner.lock();
        let mut text = String::from("sent so far:\n");
        for sent in &world.log {
            text.push_str(&format!("  {}\n", sent.line()));
        }
        text.push_str("requests:\n");
        for asked in world.asked.iter().rev().take(20).rev() {
            text.push_str(&format!(
                "  {:>8.3} s  {} {}\n",
                asked.at.as_secs_f64(),
                asked.status,
                asked.route
            ));
        }
        let gateway = &world.gateway;
        text.push_str(&format!(
            "gateway: {} connections, {} identified, {} resumed, closed by the bot {:?}, by the fake {:?}\n",
            gateway.lines.len(),
            gateway.identified.len(),
            gateway.resumed.len(),
            gateway.closed_by_bot,
            gateway.closed_by_us,
        ));
        text
    }
}
