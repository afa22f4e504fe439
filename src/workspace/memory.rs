//! Answers of git that are kept. The name of an object says all that is in it, so what was once said of names alone stays true.

use super::{GitError, git::Git};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Of all answers together; the oldest go first.
const KEPT_BYTES: usize = 32 << 20;
/// A longer answer is not kept.
const ANSWER_BYTES: usize = 4 << 20;

/// The arguments of a call.
type Question = Vec<Box<str>>;

/// What git has said so far.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<Arc<Question>, Arc<[u8]>>,
    oldest: VecDeque<Arc<Question>>,
    bytes: usize,
}

impl Memory {
    /// What git says to a question about objects that are called by their names, and about nothing else: no ref, no
    /// configuration, no file.
    pub(super) async fn ask(&self, git: &Git, args: &[&str]) -> Result<Arc<[u8]>, GitError> {
        if let Some(answer) = self.known(args) {
            return Ok(answer);
        }
        let answer: Arc<[u8]> = git.run(args).await?.into();
        self.lock().keep(question(args), &answer);
        Ok(answer)
    }

    /// The answer, if it is kept.
    pub(super) fn known(&self, args: &[&str]) -> Option<Arc<[u8]>> {
        self.lock().answers.get(&question(args)).cloned()
    }

    /// What git would say to such a question, known since we made the object ourselves.
    pub(super) fn tell(&self, args: &[&str], answer: String) {
        self.lock().keep(question(args), &answer.into_bytes().into());
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn question(args: &[&str]) -> Question {
    args.iter().map(|arg| (*arg).into()).collect()
}

impl Kept {
    fn keep(&mut self, question: Question, answer: &Arc<[u8]>) {
        let question = Arc::new(question);
        if answer.len() > ANSWER_BYTES || self.answers.contains_key(&question) {
            return;
        }
        self.bytes += bytes(&question, answer);
        self.oldest.push_back(Arc::clone(&question));
        self.answers.insert(question, Arc::clone(answer));
        while self.bytes > KEPT_BYTES
            && let Some(oldest) = self.oldest.pop_front()
            && let Some(gone) = self.answers.remove(&oldest)
        {
            self.bytes -= bytes(&oldest, &gone);
        }
    }
}

fn bytes(question: &Question, answer: &[u8]) -> usize {
    question.iter().map(|arg| arg.len()).sum::<usize>() + answer.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_answers_make_room_and_a_long_one_is_not_kept() {
        let mut kept = Kept::default();
        let question = |n: usize| -> Question { vec![n.to_string().into()] };
        kept.keep(question(0), &vec![0; ANSWER_BYTES + 1].into());
        assert_eq!((kept.bytes, kept.answers.len()), (0, 0));
        let answer: Arc<[u8]> = vec![0; ANSWER_BYTES].into();
        for n in 1..20 {
            kept.keep(question(n), &answer);
            kept.keep(question(n), &answer);
            assert!(kept.bytes <= KEPT_BYTES, "{}", kept.bytes);
        }
        assert!(!kept.answers.contains_key(&question(1)) && kept.answers.contains_key(&question(19)));
        assert_eq!((kept.oldest.len(), kept.answers.len()), (7, 7));
    }
}
