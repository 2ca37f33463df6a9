//! Orders declarations so that each comes after those it names.

/// Returns each index once, after those it needs, and all circles. Indices on a circle, or that need one, are omitted.
pub(super) fn dependencies_first(needs: &[Vec<usize>]) -> (Vec<usize>, Vec<Vec<usize>>) {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
        Circular,
    }
    let mut marks = vec![Mark::New; needs.len()];
    let mut order = Vec::with_capacity(needs.len());
    let mut circles = Vec::new();
    for root in 0..needs.len() {
        if marks[root] != Mark::New {
            continue;
        }
        let mut path = vec![(root, 0)];
        marks[root] = Mark::Open;
        while let Some((node, next)) = path.last_mut() {
            let node = *node;
            match needs[node].get(*next) {
                Some(&need) => {
                    *next += 1;
                    match marks[need] {
                        Mark::New => {
                            marks[need] = Mark::Open;
                            path.push((need, 0));
                        }
                        Mark::Open => {
                            let from = path
                                .iter()
                                .position(|(on_path, _)| *on_path == need)
                                .unwrap_or(0);
                            let circle: Vec<usize> =
                                path[from..].iter().map(|(on_path, _)| *on_path).collect();
                            circles.push(circle);
                        }
                        Mark::Circular | Mark::Done => {}
                    }
                }
                None => {
                    path.pop();
                    let circular = circles.iter().any(|circle| circle.contains(&node))
                        || needs[node]
                            .iter()
                            .any(|need| marks[*need] == Mark::Circular);
                    marks[node] = if circular { Mark::Circular } else { Mark::Done };
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
