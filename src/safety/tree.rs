//! Rows of numbers, such as the words of an entry, in one tree, and what stands at the end of each.

use serde::{Deserialize, Serialize};

use super::flat::{Flat, Shelves};
use super::hash::{FastMap, hash_number};

/// So many children of a node are looked through one by one.
const FEW: usize = 8;

/// A node and a step as one number, to be hashed: others may have the same.
#[inline(always)]
fn key(node: u32, step: u32) -> u32 {
    node.wrapping_mul(0x9e37_79b1) ^ step
}

/// Collects rows.
#[derive(Default)]
pub(crate) struct TreeBuilder {
    /// For each node but the root, by the node and the step that lead there.
    children: FastMap<(u32, u32), u32>,
}

impl TreeBuilder {
    /// The number of nodes, the root being the first.
    pub fn len(&self) -> usize {
        self.children.len() + 1
    }

    /// Enters a row, and answers the node at its end.
    pub fn enter(&mut self, row: impl IntoIterator<Item = u32>) -> u32 {
        row.into_iter().fold(0, |node, step| {
            let next = self.len() as u32;
            *self.children.entry((node, step)).or_insert(next)
        })
    }

    /// Compiles, with a value for each node.
    pub fn build(&self, values: &[u32]) -> Tree {
        let mut below: Vec<Vec<(u32, u32)>> = vec![Vec::new(); self.len()];
        for (&(node, step), &child) in &self.children {
            below[node as usize].push((step, child));
        }
        below.iter_mut().for_each(|children| children.sort_unstable());
        let (mut order, mut steps, mut nodes) = (vec![0u32], vec![0u32], Vec::new());
        while let Some(&node) = order.get(nodes.len()) {
            nodes.push((order.len() as u32, values[node as usize]));
            order.extend(below[node as usize].iter().map(|&(_, child)| child));
            steps.extend(below[node as usize].iter().map(|&(step, _)| step));
        }
        nodes.push((order.len() as u32, 0));
        let mut many = Vec::new();
        for (node, rows) in nodes.windows(2).enumerate() {
            let children = rows[0].0..rows[1].0;
            if children.len() > FEW {
                many.extend(
                    children.map(|child| (hash_number(key(node as u32, steps[child as usize])), child)),
                );
            }
        }
        Tree {
            nodes: nodes.into_iter().collect(),
            steps: steps.into_iter().collect(),
            many: Shelves::new(many),
        }
    }
}

/// The tree. Its nodes are numbered so that the children of each follow each other.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Tree {
    /// For each node, its first child, and its value; then where the last child ends.
    nodes: Flat<(u32, u32)>,
    /// For each node, the step by which it is reached.
    steps: Flat<u32>,
    /// The children of nodes that have many of them, such as the root.
    many: Shelves<u32>,
}

impl Tree {
    /// The value of a node.
    #[inline(always)]
    pub fn value(&self, node: u32) -> u32 {
        self.nodes.at(node as usize).1
    }

    /// The child of a node to which a step leads.
    #[inline(always)]
    pub fn child(&self, node: u32, step: u32) -> Option<u32> {
        let (from, to) = (self.nodes.at(node as usize).0, self.nodes.at(node as usize + 1).0);
        if to - from > FEW as u32 {
            let leads = |&child: &u32| (from..to).contains(&child) && self.steps.at(child as usize) == step;
            return self.many.of(hash_number(key(node, step))).find(leads);
        }
        let steps = self.steps.rows(from as usize..to as usize);
        steps.zip(from..).find(|&(reached, _)| reached == step).map(|(_, child)| child)
    }

    /// Bytes that it takes, wherever it lies.
    pub fn memory(&self) -> usize {
        self.nodes.memory() + self.steps.memory() + self.many.memory()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_leads_to_its_value_and_nothing_else_does() {
        let mut builder = TreeBuilder::default();
        // Twenty begin differently, and each goes on in three ways.
        let rows: Vec<[u32; 2]> = (0..60).map(|number| [number / 3, 100 + number % 3]).collect();
        let ends: Vec<u32> = rows.iter().map(|&row| builder.enter(row)).collect();
        let mut values = vec![0; builder.len()];
        ends.iter().zip(1..).for_each(|(&end, value)| values[end as usize] = value);
        let tree = builder.build(&values);
        let value = |row: &[u32]| {
            row.iter().try_fold(0, |node, &step| tree.child(node, step)).map(|node| tree.value(node))
        };
        for (row, expected) in rows.iter().zip(1..) {
            assert_eq!(value(row), Some(expected));
            assert_eq!(value(&row[..1]), Some(0));
            assert_eq!(value(&[row[0], 103]), None);
            assert_eq!(value(&[row[1], row[0]]), None);
        }
    }
}
