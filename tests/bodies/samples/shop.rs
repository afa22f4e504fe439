//! A shop, with everything in it that a body can be.
#![deny(warnings, missing_docs)]

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::rc::Rc;
use std::sync::{LazyLock, Mutex};

/// How many.
pub const LIMIT: usize = limit(3);

/// Known words.
pub static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| vec!["a".to_owned()]);

/// Locked.
pub static COUNT: Mutex<u32> = Mutex::new(start());

const fn start() -> u32 {
    7
}

const fn limit(n: usize) -> usize {
    n * 2
}

/// Money.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Money(pub i64, pub Unit);

/// Of what.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Unit {
    /// Cents.
    #[default]
    Cents,
    /// Euros.
    Euros,
}

/// A line.
#[derive(Debug)]
pub struct Item<'a> {
    /// Its name.
    pub name: &'a str,
    price: Money,
    tags: Vec<String>,
    seen: Option<Box<Item<'a>>>,
    pairs: (u8, [u16; 4], char),
}

/// Nothing.
pub struct Nothing;

/// Holds anything.
pub struct Holder<T> {
    all: Vec<T>,
    first: Option<T>,
    one: Rc<u32>,
}

type Map = BTreeMap<String, u32>;

impl Money {
    /// Makes.
    pub fn new(cents: i64) -> Self {
        Self(cents, Unit::Cents)
    }

    /// Makes, for constants.
    pub const fn fixed() -> Money {
        Money(1, Unit::Euros)
    }

    /// Adds.
    pub fn add(&mut self, more: i64) {
        self.0 += more;
    }

    /// Never comes back.
    pub fn end(&self) -> ! {
        std::process::exit(self.0 as i32)
    }
}

impl<'a> Item<'a> {
    /// Makes.
    pub fn new(name: &'a str, price: Money) -> Item<'a> {
        #![allow(clippy::all)]
        Item { name, price, tags: vec![name.to_owned()], seen: None, pairs: (1, [2; 4], 'x') }
    }

    /// Makes another.
    pub fn same(&self) -> Self {
        let tags = self.tags.iter().filter(|tag| tag.len() > self.pairs.0 as usize).cloned().collect();
        Self { name: self.name, price: self.price, tags, seen: None, pairs: self.pairs }
    }

    /// Looks.
    pub fn price(&self) -> &Money {
        if let Some(seen) = &self.seen { seen.price() } else { &self.price }
    }

    /// Looks.
    pub fn tags(&self) -> impl Iterator<Item = &str> + '_ {
        self.tags.iter().map(|tag| tag.as_str())
    }

    /// Looks.
    pub fn first(&self) -> &str {
        &self.tags[0]
    }

    /// Looks.
    pub fn all(&mut self) -> &mut [String] {
        &mut self.tags
    }
}

impl<T: Clone> Holder<T> {
    /// Makes.
    pub fn new(first: T) -> Self {
        Self { all: vec![first.clone()], first: Some(first), one: Rc::new(1) }
    }

    /// Takes.
    pub fn take(&self) -> T {
        self.first.clone().unwrap_or_else(|| self.all[*self.one as usize].clone())
    }

    /// Finds.
    pub fn find(&self, at: usize) -> Result<T, String> {
        self.all.get(at).cloned().ok_or_else(|| "no".to_owned())
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Default for Nothing {
    fn default() -> Self {
        let nothing = Nothing;
        nothing
    }
}

/// Has a body of its own.
pub trait Named {
    /// What.
    type Out;

    /// Says.
    fn name(&self) -> String;

    /// Says more.
    fn long(&self) -> String {
        //! And how.
        self.name() + "!"
    }

    /// Makes.
    fn out(&self) -> Option<Self::Out> {
        let nothing = None;
        nothing
    }
}

impl Named for Item<'_> {
    type Out = u8;

    fn name(&self) -> String {
        self.name.to_owned()
    }
}

/// Waits.
pub async fn wait(n: u64) -> u64 {
    let ready = std::future::ready(n);
    ready.await + 1
}

/// Waits.
pub fn later(n: u64) -> impl std::future::Future<Output = u64> {
    async move { wait(n).await }
}

/// Counts.
///
/// # Safety
/// Give it a string.
pub unsafe extern "C" fn count(at: *const u8) -> usize {
    if at.is_null() { 0 } else { 1 }
}

/// Counts.
pub fn counted(text: &str) -> HashMap<char, usize> {
    let mut all = HashMap::new();
    text.chars().for_each(|c| *all.entry(c).or_insert(0) += 1);
    all
}

/// Counts.
pub fn mapped(text: &str) -> Map {
    counted(text).into_iter().map(|(c, n)| (c.to_string(), n as u32)).collect()
}

/// Shortens.
pub fn cow(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

/// Works on anything.
pub fn apply<T, F>(value: T, with: F) -> T
where
    F: Fn(T) -> T,
{
    with(value)
}

/// Boxed.
pub fn boxed(n: u32) -> Box<dyn Fn(u32) -> u32> {
    Box::new(move |m| n + m)
}

/// Many.
pub fn many() -> (bool, f64, Option<Result<u8, String>>, Vec<(String, u8)>, ()) {
    (true, LIMIT as f64, Some(Ok(1)), vec![(WORDS[0].clone(), 2)], ())
}

/// In a module.
pub mod inner {
    /// Doubles.
    pub fn double(n: u32) -> u32 { 2 * n }

    /// Nothing to do.
    pub fn nothing() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_adds() {
        let mut money = Money::new(1);
        money.add(2);
        assert_eq!(money.0, 3);
    }
}
