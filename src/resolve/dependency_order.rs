//! Orders declarations so that each comes after those it names.

/// Returns each index once, after those it needs, and all circles. Indices on a circle, or that need one, are omitted.
pub(super) fn dependencies_first(needs: &[Vec<usize>]) -> (Vec<usize>, Vec<Vec<usize>>) {
    #[derive(Clone, Copy, PartialEq)]
    enum VisitState {
        New,
        Open,
        Done,
        Circular,
    }
    let mut marks = vec![VisitState::New; needs.len()];
    let mut order = Vec::with_capacity(needs.len());
    let mut circles = Vec::new();
    for root in 0..needs.len() {
        if marks[root] != VisitState::New {
            continue;
        }
        let mut path = vec![(root, 0)];
        marks[root] = VisitState::Open;
        while let Some((node, next)) = path.last_mut() {
            let node = *node;
            match needs[node].get(*next) {
                Some(&need) => {
                    *next += 1;
                    match marks[need] {
                        VisitState::New => {
                            marks[need] = VisitState::Open;
                            path.push((need, 0));
                        }
                        VisitState::Open => {
                            let from = path
                                .iter()
                                .position(|(on_path, _)| *on_path == need)
                                .unwrap_or(0);
                            let circle: Vec<usize> =
                                path[from..].iter().map(|(on_path, _)| *on_path).collect();
                            circles.push(circle);
                        }
                        VisitState::Circular | VisitState::Done => {}
                    }
                }
                None => {
                    path.pop();
                    let circular = circles.iter().any(|circle| circle.contains(&node))
                        || needs[node]
                            .iter()
                            .any(|need| marks[*need] == VisitState::Circular);
                    marks[node] = if circular {
                        VisitState::Circular
                    } else {
                        VisitState::Done
                    };
                    if !circular {
                        order.push(node);
                    }
                }
            }
        }
    }
    (order, circles)
}

#[cfg(test)]
mod tests {
    use super::dependencies_first;

    #[test]
    fn circles_and_what_needs_them_are_left_out() {
        let (order, circles) = dependencies_first(&[vec![1], vec![2], vec![1], vec![4], vec![]]);
        assert_eq!(order, [4, 3]);
        assert_eq!(circles, [[1, 2]]);
    }
}
