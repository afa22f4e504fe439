//! A model server on 127.0.0.1 that answers by a script, for tests with real agents' command lines.
//!
//! One server speaks what four command lines ask for: Anthropic messages (claude, and claude behind ACP), OpenAI responses (codex),
//! Gemini (gemini) and OpenAI chat completions (opencode). The test gives a script, `Fn(&Asked) -> Reply`, that does not know which of them
//! asks: [`Reply::shell`] calls the shell tool that this command line offers, whatever its name.
//!
//! ```ignore
//! let server = Server::start(|asked| match asked.results.len() {
//!     0 => Reply::shell("echo hello > hello.txt").saying("I will write the file.").using(Usage { input: 1000, ..Usage::default() }),
//!     _ => Reply::say("done"),
//! });
//! // ANTHROPIC_BASE_URL and GOOGLE_GEMINI_BASE_URL are server.url(); a base URL for codex or opencode is server.url_v1().
//! assert_eq!(server.asked().len(), 2);        // what the script was asked, in order
//! assert_eq!(server.usage().output, 40);      // what whole answers said, added up
//! ```
//!
//! * **Whom does a script answer?** What [`Asked`] says: `prompt()`, `system`, `tools`, `results` (of tools, since the last prompt), `before`
//!   (how many answers the script gave before), `session`, `has_heard(text)` (anywhere in the conversation, so that a test sees that a
//!   session was taken up again), `headers` and the whole `body`. [`steps`] makes a script of a list of replies.
//! * **What can it answer?** [`Reply`]: text, calls of tools (shell, write, MCP, any, structured output), an HTTP failure that looks like the
//!   provider's ([`Fault`]), the same within a stream, a stream that is cut, has no end, stalls, or never begins, a refusal, `max_tokens`.
//! * **Files** are written with the command line's own tool where there is one, else with its shell. A relative path counts from the
//!   folder that the request names.
//! * **MCP tools that are deferred** (claude) are searched for first, unseen by the script.
//! * **Side requests** (titles, token counts, lists of models) are answered by the server. No script sees them; `requests()` does.
//! * **A command line must be ended before its server**: another server may get the same port, and be asked by it.
//! * A script that panics answers 400; the panic goes on where the server is dropped. Whatever hangs ends there too.
//! * [`Server::wait_for`] waits until the script was asked so many times: this is how a test knows that an agent hangs, without sleeping.

mod anthropic;
mod asked;
mod chat;
mod gemini;
mod http;
mod provider;
mod reply;
mod responses;
mod side;
mod tools;

pub use asked::{Api, Asked};
pub use http::Server;
pub use reply::{Fault, Reply, Usage, steps};
