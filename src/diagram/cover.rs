//! In: a region of the situations. Out: few conditions that together hold exactly there.
//! Each condition is as wide as the region allows, and none is redundant.

use crate::diagram::{Diagram, DiagramStore};

/// A region of more nodes than this is not written as conditions.
const READABLE: usize = 300;

/// Conditions joined with `and`: variables and their allowed values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cube(pub Vec<(u32, Vec<u32>)>);

impl DiagramStore {
    /// Cubes whose union is where the function is not zero; `None` if there would be more than
    /// `most`, or if the region is too complex to read. `usual`: a value for each variable; cubes
    /// closest to it come first.
    pub fn cover(&mut self, region: Diagram, usual: &[u32], most: usize) -> Option<Vec<Cube>> {
        self.cover_within(region, region, usual, most)
    }

    /// Cubes that contain `region` and lie in `allowed`, which contains it.
    pub fn cover_within(
        &mut self,
        region: Diagram,
        allowed: Diagram,
        usual: &[u32],
        most: usize,
    ) -> Option<Vec<Cube>> {
        if self.size(region) > READABLE || self.size(allowed) > READABLE {
            return None;
        }
        let mut cubes: Vec<(Cube, Diagram)> = Vec::new();
        let mut left = region;
        while left != Diagram::ZERO {
            if cubes.len() == most || self.overflowed() {
                return None;
            }
            let path = self.witness(left, usual, &|leaf| leaf != 0)?;
            let literals = path
                .iter()
                .enumerate()
                .filter_map(|(variable, value)| Some((variable as u32, vec![(*value)?])));
            let cube = self.widen(literals.collect(), allowed);
            let covered = self.product_of(&cube);
            left = self.without(left, covered);
            cubes.push((Cube(cube), covered));
        }
        let mut at = 0;
        while at < cubes.len() {
            let others: Vec<Diagram> = cubes
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != at)
                .map(|(_, cube)| cube.1)
                .collect();
            let others = self.union(others);
            let needed = self.and_then(region, cubes[at].1);
            if self.without(needed, others) == Diagram::ZERO {
                cubes.remove(at);
            } else {
                at += 1;
            }
        }
        Some(cubes.into_iter().map(|(cube, _)| cube).collect())
    }

    /// Gives each variable all values that keep the cube within the region.
    pub fn widen(
        &mut self,
        mut cube: Vec<(u32, Vec<u32>)>,
        region: Diagram,
    ) -> Vec<(u32, Vec<u32>)> {
        let mut at = 0;
        while at < cube.len() {
            let (variable, values) = cube[at].clone();
            let without: Vec<(u32, Vec<u32>)> = cube
                .iter()
                .filter(|(other, _)| *other != variable)
                .cloned()
                .collect();
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

    fn is_within(&mut self, cube: &[(u32, Vec<u32>)], region: Diagram) -> bool {
        let holds = self.product_of(cube);
        self.without(holds, region) == Diagram::ZERO
    }

    /// The region where each variable of the cube has one of its values.
    pub fn product_of(&mut self, cube: &[(u32, Vec<u32>)]) -> Diagram {
        let mut sorted = cube.to_vec();
        sorted.sort_unstable();
        sorted
            .into_iter()
            .rev()
            .fold(Diagram::ONE, |all, (variable, values)| {
                let test = self.literal(variable, values);
                self.and_then(test, all)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubes_are_exactly_the_region_and_none_is_superfluous() {
        let sizes = [2, 3, 2, 4];
        let points: Vec<Vec<u32>> = (0..48)
            .map(|at| vec![at % 2, at / 2 % 3, at / 6 % 2, at / 12])
            .collect();
        let mut seed = 7_u64;
        let mut most = 0;
        for round in 0..300 {
            let mut d = DiagramStore::new(sizes.to_vec(), 100_000);
            let mut chosen = Vec::new();
            for point in &points {
                seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                if (seed >> 33) % 12 < round % 13 {
                    chosen.push(point.clone());
                }
            }
            let cube = |point: &Vec<u32>| {
                (0..)
                    .zip(point)
                    .map(|(at, value)| (at, vec![*value]))
                    .collect::<Vec<_>>()
            };
            let parts = chosen
                .iter()
                .map(|point| d.product_of(&cube(point)))
                .collect();
            let region = d.union(parts);
            let cubes = d.cover(region, &[0; 4], usize::MAX).expect("it is small");
            let is_in = |cube: &Cube, point: &[u32]| {
                cube.0
                    .iter()
                    .all(|(at, values)| values.contains(&point[*at as usize]))
            };
            for point in &points {
                let covered = cubes.iter().any(|cube| is_in(cube, point));
                assert_eq!(
                    covered,
                    chosen.contains(point),
                    "{chosen:?}: {cubes:?} at {point:?}"
                );
            }
            for cube in &cubes {
                let alone =
                    |point: &&Vec<u32>| cubes.iter().filter(|other| is_in(other, point)).eq([cube]);
                assert!(
                    points.iter().any(|point| alone(&point)),
                    "{chosen:?}: {cubes:?} without {cube:?}"
                );
            }
            if let Some(fewer) = cubes.len().checked_sub(1) {
                assert_eq!(d.cover(region, &[0; 4], fewer), None);
            }
            most = most.max(cubes.len());
        }
        assert!(most > 5, "{most}");
    }

    #[test]
    fn what_nobody_could_read_is_not_put_into_words() {
        let mut d = DiagramStore::new(vec![2; 30], 1_000_000);
        let tests: Vec<Diagram> = (0..30).map(|at| d.literal(at, [1])).collect();
        let pairs = (0..15)
            .map(|at| d.and_then(tests[at], tests[at + 15]))
            .collect();
        let any = d.union(pairs);
        assert!(d.size(any) > READABLE);
        assert_eq!(d.cover(any, &[0; 30], usize::MAX), None);
    }
}
