//! In: a region of the situations. Out: few conditions that together hold exactly there.
//! Each is made as wide as the region allows, and none is there that the others make superfluous.

use crate::space::diagram::{Diagrams, Ref};
use crate::space::situation::Space;

/// A region of more nodes than this is not put into words.
const READABLE: usize = 300;

/// Conditions joined with `and`: each variable that is named, with the values that it may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cube(pub Vec<(u32, Vec<u32>)>);

impl Diagrams {
    /// Cubes whose union is where the function is not zero; `None` if there would be more than `most`, or if it is so
    /// intricate that nobody could read them. `usual`: a value for each variable, the nearest to which comes first.
    pub fn cover(&mut self, region: Ref, usual: &[u32], most: usize) -> Option<Vec<Cube>> {
        if self.size(region) > READABLE {
            return None;
        }
        let mut cubes: Vec<(Cube, Ref)> = Vec::new();
        let mut left = region;
        while left != Ref::ZERO {
            if cubes.len() == most || self.overflowed() {
                return None;
            }
            let path = self.witness(left, usual, &|leaf| leaf != 0)?;
            let literals =
                path.iter().enumerate().filter_map(|(variable, value)| Some((variable as u32, vec![(*value)?])));
            let cube = self.widen(literals.collect(), region);
            let covered = self.product_of(&cube);
            left = self.without(left, covered);
            cubes.push((Cube(cube), covered));
        }
        let mut at = 0;
        while at < cubes.len() {
            let others: Vec<Ref> =
                cubes.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, cube)| cube.1).collect();
            let others = self.first_of(others);
            if self.without(cubes[at].1, others) == Ref::ZERO {
                cubes.remove(at);
            } else {
                at += 1;
            }
        }
        Some(cubes.into_iter().map(|(cube, _)| cube).collect())
    }

    /// Gives each variable all values that keep the cube within the region.
    pub fn widen(&mut self, mut cube: Vec<(u32, Vec<u32>)>, region: Ref) -> Vec<(u32, Vec<u32>)> {
        let mut at = 0;
        while at < cube.len() {
            let (variable, values) = cube[at].clone();
            let without: Vec<(u32, Vec<u32>)> = cube.iter().filter(|(other, _)| *other != variable).cloned().collect();
            if self.is_within(&without, region) {
                cube = without;
                continue;
            }
            let size = self.sizes()[variable as usize];
            let mut wider = values;
            for value in (0..size).filter(|_| size > 2) {
                if !wider.contains(&value) {
                    cube[at].1 = vec![value];
                    if self.is_within(&cube, region) {
                        wider.push(value);
                    }
                }
            }
            wider.sort_unstable();
            cube[at].1 = wider;
            at += 1;
        }
        cube
    }

    fn is_within(&mut self, cube: &[(u32, Vec<u32>)], region: Ref) -> bool {
        let holds = self.product_of(cube);
        self.without(holds, region) == Ref::ZERO
    }

    /// Where each variable that is named has one of its values.
    pub fn product_of(&mut self, cube: &[(u32, Vec<u32>)]) -> Ref {
        let mut sorted = cube.to_vec();
        sorted.sort_unstable();
        sorted.into_iter().rev().fold(Ref::ONE, |all, (variable, values)| {
            let test = self.test(variable, values);
            self.mask(test, all)
        })
    }
}

impl Space<'_> {
    /// See [`Diagrams::cover`].
    pub fn cover(&mut self, region: Ref, most: usize) -> Option<Vec<Cube>> {
        let usual = self.usual().to_vec();
        self.diagrams.cover(region, &usual, most)
    }
}
