//! The order of the variables in diagrams. Variables that occur in the same conditions should be neighbors:
//! each round moves every variable to the middle of the conditions that it occurs in (the FORCE heuristic).

/// `groups`: the variables that occur together, once per condition. Returns the variables in order.
pub(super) fn arrange(count: usize, groups: &[Vec<usize>]) -> Vec<usize> {
    let mut order = first_appearance(count, groups);
    let mut best = (span(&order, groups), order.clone());
    for _ in 0..20 {
        let places = places(&order);
        let mut sums = vec![(0.0, 0.0); count];
        for group in groups {
            let middle = group
                .iter()
                .map(|variable| places[*variable] as f64)
                .sum::<f64>()
                / group.len() as f64;
            for variable in group {
                sums[*variable].0 += middle;
                sums[*variable].1 += 1.0;
            }
        }
        let key = |variable: usize| match sums[variable] {
            (_, 0.0) => f64::MAX,
            (sum, number) => sum / number,
        };
        order.sort_by(|a, b| key(*a).total_cmp(&key(*b)));
        let length = span(&order, groups);
        if length >= best.0 {
            break;
        }
        best = (length, order.clone());
    }
    best.1
}

fn first_appearance(count: usize, groups: &[Vec<usize>]) -> Vec<usize> {
    let mut seen = vec![false; count];
    let mut order = Vec::with_capacity(count);
    for variable in groups.iter().flatten().copied().chain(0..count) {
        if !std::mem::replace(&mut seen[variable], true) {
            order.push(variable);
        }
    }
    order
}

fn places(order: &[usize]) -> Vec<usize> {
    let mut places = vec![0; order.len()];
    for (place, variable) in order.iter().enumerate() {
        places[*variable] = place;
    }
    places
}

/// The sum over all groups of the distance between their outermost variables.
fn span(order: &[usize], groups: &[Vec<usize>]) -> usize {
    let places = places(order);
    let width = |group: &Vec<usize>| {
        let at = group.iter().map(|variable| places[*variable]);
        at.clone().max().unwrap_or(0) - at.min().unwrap_or(0)
    };
    groups.iter().map(width).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partners_become_neighbours() {
        let groups: Vec<Vec<usize>> = (0..8).map(|v| vec![v, v + 8]).collect();
        assert_eq!(span(&arrange(16, &groups), &groups), 8);
    }
}
