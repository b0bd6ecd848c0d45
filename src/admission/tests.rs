use std::collections::BTreeMap;

use super::*;

mod properties;

fn hook(id: &str, max: usize, when_busy: WhenBusy) -> Arc<Concurrency> {
    in_group(id, max, Group::Hook(id.into()), when_busy)
}

fn in_group(id: &str, max: usize, group: Group, when_busy: WhenBusy) -> Arc<Concurrency> {
    Arc::new(Concurrency { hook: id.into(), max, group, when_busy })
}

const QUEUE: WhenBusy = WhenBusy::Queue { limit: 100 };

/// Deliveries by the name that the test gives them: who was called, in order.
struct Scene {
    admission: Admission<&'static str>,
    numbers: BTreeMap<&'static str, Number>,
    told: Vec<String>,
}

impl Scene {
    fn new(max: Option<usize>) -> Self {
        Self { admission: Admission::new(max), numbers: BTreeMap::new(), told: Vec::new() }
    }

    fn tell(&mut self, calls: Calls<&'static str>) {
        for (name, call) in calls {
            self.told.push(match call {
                Call::Turn => name.to_owned(),
                Call::Superseded => format!("{name} superseded"),
            });
        }
    }

    fn enter(&mut self, name: &'static str, of: &Arc<Concurrency>) -> Option<Refusal> {
        self.enter_any(name, Some(of))
    }

    fn enter_any(&mut self, name: &'static str, of: Option<&Arc<Concurrency>>) -> Option<Refusal> {
        match self.admission.enter(of, name) {
            Ok((number, calls)) => {
                self.numbers.insert(name, number);
                self.tell(calls);
                None
            }
            Err(refusal) => Some(refusal),
        }
    }

    fn leave(&mut self, name: &str) {
        let calls = self.admission.leave(self.numbers[name]);
        self.tell(calls);
    }

    fn pause(&mut self, name: &str) {
        let (name, number) = self.numbers.get_key_value(name).unwrap();
        let calls = self.admission.pause(*number, name);
        self.tell(calls);
    }

    fn began(&mut self, name: &str) {
        let calls = self.admission.began(self.numbers[name]);
        self.tell(calls);
    }

    fn again(&mut self, name: &str) {
        let calls = self.admission.again(self.numbers[name]);
        self.tell(calls);
    }

    /// Who was told what since the last look.
    #[track_caller]
    fn told(&mut self, expected: &[&str]) {
        assert_eq!(std::mem::take(&mut self.told), expected);
    }
}

#[test]
fn a_queue_is_first_in_first_out_up_to_its_limit() {
    let deploy = hook("deploy", 2, WhenBusy::Queue { limit: 2 });
    let mut scene = Scene::new(None);
    for name in ["a", "b", "c", "d"] {
        assert_eq!(scene.enter(name, &deploy), None);
    }
    scene.told(&["a", "b"]);
    assert_eq!(scene.enter("e", &deploy), Some(Refusal::LineFull));
    scene.leave("b");
    scene.told(&["c"]);
    assert_eq!(scene.enter("e", &deploy), None);
    scene.leave("c");
    scene.leave("a");
    scene.told(&["d", "e"]);
}

#[test]
fn a_queue_limit_of_nothing_lets_nobody_wait() {
    let deploy = hook("deploy", 1, WhenBusy::Queue { limit: 0 });
    let mut scene = Scene::new(None);
    assert_eq!(scene.enter("a", &deploy), None);
    assert_eq!(scene.enter("b", &deploy), Some(Refusal::LineFull));
}

#[test]
fn only_the_latest_waits_and_keeps_the_place_of_the_one_it_replaces() {
    let group = Group::Named("production".into());
    let deploy = in_group("deploy", 1, group.clone(), WhenBusy::Latest);
    let other = in_group("other", 1, group, QUEUE);
    let mut scene = Scene::new(None);
    scene.enter("a", &deploy);
    scene.enter("b", &deploy);
    scene.enter("x", &other);
    scene.told(&["a"]);
    scene.enter("c", &deploy);
    scene.told(&["b superseded"]);
    scene.leave("b");
    scene.leave("a");
    scene.told(&["c"]);
    scene.leave("c");
    scene.told(&["x"]);
}

#[test]
fn a_busy_hook_may_reject() {
    let deploy = hook("deploy", 1, WhenBusy::Reject);
    let mut scene = Scene::new(None);
    assert_eq!(scene.enter("a", &deploy), None);
    assert_eq!(scene.enter("b", &deploy), Some(Refusal::Busy));
    scene.leave("a");
    assert_eq!(scene.enter("b", &deploy), None);
    scene.told(&["a", "b"]);
}

#[test]
fn hooks_of_a_group_share_its_places_and_nobody_overtakes() {
    let group = Group::Named("production".into());
    let wide = in_group("wide", 3, group.clone(), QUEUE);
    let narrow = in_group("narrow", 1, group, QUEUE);
    let apart = hook("production", 1, QUEUE);
    let mut scene = Scene::new(None);
    scene.enter("w1", &wide);
    scene.enter("w2", &wide);
    scene.enter("n1", &narrow);
    scene.enter("w3", &wide);
    scene.told(&["w1", "w2"]);
    scene.enter("p1", &apart);
    scene.told(&["p1"]);
    scene.leave("w1");
    scene.told(&[]);
    scene.leave("w2");
    scene.told(&["n1", "w3"]);
}

#[test]
fn the_servers_limit_counts_all_and_is_a_line_of_its_own() {
    let deploy = hook("deploy", 1, QUEUE);
    let mut scene = Scene::new(Some(2));
    scene.enter_any("a", None);
    scene.enter("d1", &deploy);
    scene.enter_any("b", None);
    scene.enter("d2", &deploy);
    scene.enter_any("c", None);
    scene.told(&["a", "d1"]);
    scene.leave("d1");
    scene.told(&["b"]);
    scene.leave("a");
    scene.told(&["c"]);
    scene.leave("b");
    scene.told(&["d2"]);
}

#[test]
fn one_that_gives_up_waiting_holds_nobody_up() {
    let group = Group::Named("production".into());
    let wide = in_group("wide", 2, group.clone(), QUEUE);
    let narrow = in_group("narrow", 1, group, QUEUE);
    let mut scene = Scene::new(None);
    scene.enter("w1", &wide);
    scene.enter("n1", &narrow);
    scene.enter("w2", &wide);
    scene.told(&["w1"]);
    scene.leave("n1");
    scene.told(&["w2"]);
}

#[test]
fn a_pause_lets_others_run_and_the_return_is_not_refused() {
    let deploy = hook("deploy", 1, WhenBusy::Queue { limit: 1 });
    let mut scene = Scene::new(None);
    scene.enter("a", &deploy);
    scene.enter("b", &deploy);
    scene.pause("a");
    scene.told(&["a", "b"]);
    scene.enter("c", &deploy);
    scene.again("a");
    scene.leave("b");
    scene.told(&["c"]);
    scene.leave("c");
    scene.told(&["a"]);
}

#[test]
fn what_pauses_gives_way_when_a_newer_one_begins() {
    let deploy = hook("deploy", 1, WhenBusy::Latest);
    let mut scene = Scene::new(None);
    scene.enter("a", &deploy);
    scene.began("a");
    scene.pause("a");
    scene.again("a");
    scene.told(&["a", "a"]);
    scene.pause("a");
    scene.enter("b", &deploy);
    scene.told(&["b"]);
    scene.began("b");
    scene.told(&["a superseded"]);
    scene.again("a");
    scene.leave("a");
    scene.leave("b");
    scene.enter("c", &deploy);
    scene.told(&["c"]);
}

#[test]
fn what_pauses_stays_when_the_newer_one_does_not_begin() {
    let deploy = hook("deploy", 1, WhenBusy::Latest);
    let mut scene = Scene::new(None);
    scene.enter("a", &deploy);
    scene.began("a");
    scene.pause("a");
    scene.enter("b", &deploy);
    scene.told(&["a", "b"]);
    scene.again("a");
    scene.told(&[]);
    scene.leave("b");
    scene.told(&["a"]);
}

#[test]
fn of_those_that_are_tried_again_too_the_newest_runs() {
    let deploy = hook("deploy", 2, WhenBusy::Latest);
    let mut scene = Scene::new(None);
    for name in ["a", "b"] {
        scene.enter(name, &deploy);
    }
    scene.began("a");
    scene.began("b");
    scene.told(&["a", "b"]);
    scene.pause("a");
    scene.told(&["a superseded"]);
    scene.pause("b");
    for name in ["c", "d"] {
        scene.enter(name, &deploy);
    }
    scene.told(&["c", "d"]);
    // Of two that wait the newer one stays, whichever came first.
    scene.again("b");
    scene.enter("e", &deploy);
    scene.told(&["b superseded"]);
    scene.pause("c");
    scene.told(&["e"]);
    scene.again("c");
    scene.pause("d");
    scene.told(&["c"]);
    scene.enter("f", &deploy);
    scene.again("d");
    scene.told(&["d superseded"]);
}

#[test]
fn a_new_limit_holds_for_those_that_wait_too() {
    let [one, three] = [1, 3].map(|max| hook("deploy", max, QUEUE));
    let mut scene = Scene::new(None);
    for name in ["a", "b", "c", "d", "e"] {
        scene.enter(name, &one);
    }
    scene.told(&["a"]);
    let calls = scene.admission.adjust(&three);
    scene.tell(calls);
    scene.told(&["b", "c"]);
    let calls = scene.admission.adjust(&one);
    scene.tell(calls);
    scene.leave("a");
    scene.leave("b");
    scene.told(&[]);
    scene.leave("c");
    scene.told(&["d"]);
}

#[test]
fn a_delivery_from_before_a_reload_does_not_bring_the_old_limit_back() {
    let [one, two] = [1, 2].map(|max| hook("deploy", max, WhenBusy::Reject));
    let mut scene = Scene::new(None);
    scene.enter("a", &two);
    let calls = scene.admission.adjust(&one);
    scene.tell(calls);
    assert_eq!(scene.enter("b", &two), Some(Refusal::Busy));
    let calls = scene.admission.adjust(&two);
    scene.tell(calls);
    assert_eq!(scene.enter("c", &one), None);
    assert_eq!(scene.enter("d", &two), Some(Refusal::Busy));
    scene.told(&["a", "c"]);
}

#[test]
fn the_whole_server_lets_so_many_wait_and_no_more() {
    let mut admission = Admission::new(Some(1));
    for _ in 0..=WAITING_MAX {
        assert!(admission.enter(None, ()).is_ok());
    }
    assert_eq!(admission.enter(None, ()).err(), Some(Refusal::LineFull));
    let latest = hook("deploy", 1, WhenBusy::Latest);
    assert_eq!(admission.enter(Some(&latest), ()).err(), Some(Refusal::LineFull));
}
