use super::*;

fn function(known: &mut Known, name: &str, start: u32) -> u32 {
    let name = Some(known.text(name));
    known.function(Function { name, decorated: None, start, other_names: 0, is_public: false })
}

#[test]
fn places_are_found_wherever_they_are_among_the_known() {
    for count in [0, 1, 2, 3, 100] {
        let mut known = Known::default();
        (0..count).for_each(|place| known.tell_nothing(place * 2 + 1));
        for asked in [vec![0], vec![1, 2, 3], vec![1, 199, 201], (0..300).collect()] {
            let found: Vec<_> = known.rows(asked.iter().copied()).collect();
            let expected = |place: &u32| (place % 2 == 1 && *place < count * 2).then_some(*place as usize / 2);
            assert_eq!(found, asked.iter().map(expected).collect::<Vec<_>>());
        }
    }
}

#[test]
fn neighbours_share_a_function_its_calls_and_texts() {
    let mut known = Known::default();
    for place in [0x1010, 0x1011, 0x1020] {
        let row = function(&mut known, "Basket::add", 0x1010);
        let call = Inlined { function: Some(known.text("taxed")), file: None, line: Some(place / 0x20) };
        known.tell(place, row, (None, Some(4)), &[call]);
    }
    assert_eq!((known.functions.len(), known.texts().len(), known.calls.len()), (1, 2, 2));
}

#[test]
fn a_function_behind_a_place_does_not_hold_it() {
    let mut known = Known::default();
    let row = function(&mut known, "late", 0x20);
    known.tell(0x1F, row, (None, None), &[]);
    known.tell(0x20, row, (None, None), &[]);
    assert_eq!((known.answer(0x1F), known.answer(0x20).map(|answer| answer.start)), (None, Some(0x20)));
}

#[test]
fn what_strangers_write_is_cut() {
    let mut known = Known::default();
    let row = function(&mut known, &"ä".repeat(5000), 0);
    let call = Inlined { function: None, file: None, line: None };
    known.tell(0, row, (None, None), &[call; 300]);
    let answer = known.answer(0).unwrap();
    let name = answer.call.function.unwrap();
    assert!(name.len() <= LONGEST && name.starts_with("ää") && name.ends_with("ä…"));
    assert_eq!(answer.inlined.len(), DEEPEST);
}

#[test]
fn calls_and_texts_out_of_proportion_end_the_work() {
    let told = |depth: usize, text: usize| {
        let mut known = Known::default().open(100_000, 1000);
        for place in 0..100_000 {
            let row = function(&mut known, &format!("{place:0text$}"), 0);
            known.tell(
                place,
                row,
                (None, None),
                &vec![Inlined { function: None, file: None, line: Some(place) }; depth],
            );
        }
    };
    told(20, 10);
    for (depth, text) in [(100, 10), (0, 100)] {
        let fault = std::panic::catch_unwind(|| told(depth, text)).unwrap_err();
        assert!(fault.is::<Fault>());
    }
}

#[test]
fn places_that_are_asked_later_are_put_in_order() {
    let mut known = Known::default();
    [3, 7, 1, 5].into_iter().for_each(|place| known.tell_nothing(place));
    known.close();
    assert_eq!(known.lacks(&[1, 2, 3, 4, 5, 7, 9]), [2, 4, 9]);
}
