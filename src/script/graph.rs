//! Who leads where inside one guide: what can be reached, and from where an end can.

use std::collections::VecDeque;

use super::{Guide, Target};

/// The steps that a person can stand on who starts at one of `roots`, one flag a step.
pub fn reachable(guide: &Guide, roots: impl IntoIterator<Item = usize>) -> Vec<bool> {
    spread(guide.steps().len(), roots, |at, queue| {
        for choice in &guide.steps()[at].choices {
            if let Target::Step(to) = choice.target {
                queue.push_back(to);
            }
        }
    })
}

/// The steps from which an end can be reached, one flag a step. A choice that leads to another guide
/// is a way out; one to the crisis page is not, since `back` returns from it.
pub fn can_end(guide: &Guide) -> Vec<bool> {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); guide.steps().len()];
    let mut ends = Vec::new();
    for (at, step) in guide.steps().iter().enumerate() {
        if step.is_end() || step.choices.iter().any(|choice| matches!(choice.target, Target::Guide(..))) {
            ends.push(at);
        }
        for choice in &step.choices {
            if let Target::Step(to) = choice.target {
                before[to].push(at);
            }
        }
    }
    spread(guide.steps().len(), ends, |at, queue| queue.extend(&before[at]))
}

/// The choices (by position) that lead from the first step to `goal` in the fewest turns.
pub fn shortest_path(guide: &Guide, goal: usize) -> Option<Vec<usize>> {
    let mut came: Vec<Option<(usize, usize)>> = vec![None; guide.steps().len()];
    spread(guide.steps().len(), [0], |at, queue| {
        for (number, choice) in guide.steps()[at].choices.iter().enumerate() {
            if let Target::Step(to) = choice.target {
                if to != 0 && came[to].is_none() {
                    came[to] = Some((at, number));
                }
                queue.push_back(to);
            }
        }
    });
    let mut path = Vec::new();
    let mut at = goal;
    while at != 0 {
        let (from, number) = came[at]?;
        path.push(number);
        at = from;
    }
    path.reverse();
    Some(path)
}

/// Breadth first from `roots`; `next` adds to the queue what follows a step.
fn spread(
    steps: usize,
    roots: impl IntoIterator<Item = usize>,
    mut next: impl FnMut(usize, &mut VecDeque<usize>),
) -> Vec<bool> {
    let mut seen = vec![false; steps];
    let mut queue: VecDeque<usize> = roots.into_iter().collect();
    while let Some(at) = queue.pop_front() {
        if !std::mem::replace(&mut seen[at], true) {
            next(at, &mut queue);
        }
    }
    seen
}
