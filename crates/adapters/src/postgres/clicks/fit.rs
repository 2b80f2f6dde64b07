//! What strangers write, brought to what PostgreSQL takes. A batch that it refuses would be refused for ever.

use std::borrow::Cow;

use waypost_core::clicks::{Click, Hit, Visitor};

/// The clicks, in texts that PostgreSQL takes: without NUL, and short enough for an index.
pub(super) fn fit(clicks: &[Click]) -> Cow<'_, [Click]> {
    if clicks.iter().all(|click| texts(&click.visitor).into_iter().flatten().all(fits)) {
        return Cow::Borrowed(clicks);
    }
    let mut clicks = clicks.to_vec();
    for Visitor { referrer, browser, os, device, .. } in clicks.iter_mut().map(|click| &mut click.visitor) {
        for text in [referrer, browser, os, device].into_iter().flatten().filter(|text| !fits(text)) {
            let whole = text.replace('\0', "");
            *text = whole[..whole.floor_char_boundary(Hit::LONGEST_TEXT)].into();
        }
    }
    Cow::Owned(clicks)
}

fn texts(visitor: &Visitor) -> [Option<&str>; 4] {
    [&visitor.referrer, &visitor.browser, &visitor.os, &visitor.device].map(|text| text.as_deref())
}

fn fits(text: &str) -> bool {
    text.len() <= Hit::LONGEST_TEXT && !text.contains('\0')
}

#[cfg(test)]
mod tests {
    use waypost_core::clicks::Class;
    use waypost_core::conformance::fixtures::{at, click, link};

    use super::*;

    fn from(referrer: &str) -> Click {
        let mut click = click(1, &link(1), Class::Human, at(0));
        click.visitor.referrer = Some(referrer.into());
        click
    }

    #[test]
    fn what_fits_is_not_copied() {
        assert!(matches!(fit(&[from("example.com")]), Cow::Borrowed(_)));
    }

    #[test]
    fn what_an_index_or_a_text_cannot_hold_is_cut() {
        let long = "ä".repeat(Hit::LONGEST_TEXT);
        let fitted = fit(&[from("a\0b"), from(&long), from("c")]).into_owned();
        assert_eq!(fitted, [from("ab"), from(&long[..Hit::LONGEST_TEXT]), from("c")]);
    }
}
