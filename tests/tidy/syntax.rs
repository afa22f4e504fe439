//! What a source file says, as far as the tidy rules ask: its paths from the root, its functions, its oddities.

use std::collections::BTreeMap;
use syn::{spanned::Spanned, visit::Visit};

/// What was read of one file. Test modules are not product code: only their length is kept.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Every path, from the root of the crate (`crate::run::Run`) or of another crate (`std::fs::read`), with its line.
    pub(crate) paths: Vec<(String, usize)>,
    /// Names and lengths.
    pub(crate) functions: Vec<(String, usize)>,
    /// What only some rooms may have, with its line.
    pub(crate) oddities: Vec<(Oddity, usize)>,
    /// Modules that are declared or written here: name, and whether for everybody.
    pub(crate) modules: Vec<(String, bool)>,
    /// Items that are neither modules nor imports.
    pub(crate) items: usize,
    /// Lines of test code.
    pub(crate) test_lines: usize,
    /// Files of test modules that are declared here, relative to the module's folder (`tests`) or to this file (`x.rs`).
    pub(crate) test_files: Vec<String>,
}

/// What only some rooms may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Oddity {
    /// `async fn`, `.await`, an async block or closure.
    Async,
    /// A literal or a type.
    Float,
    /// `.unwrap()`.
    Unwrap,
    /// A macro by this name.
    Macro(String),
    /// `include!` and `#[path]`: code that is not where it seems to be.
    Elsewhere,
}

impl Facts {
    /// Reads the file of these modules (`["plan", "graph"]`).
    pub(crate) fn of(text: &str, modules: &[&str]) -> Result<Facts, syn::Error> {
        let file = syn::parse_file(text)?;
        let depth: Vec<String> = modules.iter().map(|module| (*module).to_owned()).collect();
        let mut imports = Imports { depth: depth.clone(), ..Imports::default() };
        imports.visit_file(&file);
        let mut reader = Reader { depth, aliases: imports.aliases, facts: Facts::default() };
        reader.visit_file(&file);
        // Once more through the aliases: `use std::process; use process::Command;` is an arrow too.
        for (path, line) in imports.paths {
            let path = reader.expanded(path);
            reader.facts.paths.push((path, line));
        }
        Ok(reader.facts)
    }
}

/// Follows `self` and `super` to the root, so that there is one way to write an arrow.
fn from_root(depth: &[String], segments: &[String]) -> String {
    let mut at = depth.to_vec();
    let mut rest = segments;
    let mut is_relative = false;
    while let Some((first, tail)) = rest.split_first() {
        match first.as_str() {
            "super" => drop(at.pop()),
            "self" => {}
            _ => break,
        }
        (rest, is_relative) = (tail, true);
    }
    let mut path: Vec<&str> = Vec::new();
    if is_relative {
        path.push("crate");
        path.extend(at.iter().map(String::as_str));
    }
    path.extend(rest.iter().map(String::as_str));
    path.join("::")
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string();
            condition == "test" || condition.starts_with("all (test")
        }
        _ => false,
    })
}

/// Where a test module is that is not written here.
fn test_file(item: &syn::Item) -> Option<String> {
    let syn::Item::Mod(syn::ItemMod { attrs, ident, content: None, .. }) = item else {
        return None;
    };
    let path = attrs.iter().find(|attribute| attribute.path().is_ident("path"));
    let path = path.and_then(|attribute| match &attribute.meta {
        syn::Meta::NameValue(syn::MetaNameValue { value: syn::Expr::Lit(literal), .. }) => match &literal.lit {
            syn::Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    Some(path.unwrap_or_else(|| ident.to_string()))
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The first walk: what is imported, and by which name.
#[derive(Default)]
struct Imports {
    depth: Vec<String>,
    paths: Vec<(String, usize)>,
    aliases: BTreeMap<String, String>,
}

impl Imports {
    fn tree(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&path.tree, &with(&path.ident)),
            syn::UseTree::Name(name) if name.ident == "self" => {
                let last = before.last().cloned().unwrap_or_default();
                self.import(tree, before, last);
            }
            syn::UseTree::Name(name) => self.import(tree, &with(&name.ident), name.ident.to_string()),
            syn::UseTree::Rename(name) if name.ident == "self" => self.import(tree, before, name.rename.to_string()),
            syn::UseTree::Rename(name) => self.import(tree, &with(&name.ident), name.rename.to_string()),
            syn::UseTree::Glob(_) => {
                let path = from_root(&self.depth, &[before, &["*".to_owned()]].concat());
                self.paths.push((path, tree.span().start().line));
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(item, before)),
        }
    }

    fn import(&mut self, tree: &syn::UseTree, segments: &[String], name: String) {
        let path = from_root(&self.depth, segments);
        self.paths.push((path.clone(), tree.span().start().line));
        // A name that stands for itself (`use syn;`) would be expanded for ever.
        if path != name {
            self.aliases.insert(name, path);
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test(attributes(item)) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.depth.push(module.ident.to_string());
        syn::visit::visit_item_mod(self, module);
        self.depth.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&item.tree, &[]);
    }
}

/// The second walk: everything else.
struct Reader {
    depth: Vec<String>,
    aliases: BTreeMap<String, String>,
    facts: Facts,
}

impl Reader {
    fn path(&mut self, segments: &[String], line: usize) {
        let path = self.expanded(from_root(&self.depth, segments));
        self.facts.paths.push((path, line));
    }

    fn expanded(&self, path: String) -> String {
        let (first, rest) = path.split_once("::").unwrap_or((&path, ""));
        match self.aliases.get(first) {
            Some(whole) if rest.is_empty() => whole.clone(),
            Some(whole) => format!("{whole}::{rest}"),
            None => path,
        }
    }

    fn odd(&mut self, oddity: Oddity, at: proc_macro2::Span) {
        self.facts.oddities.push((oddity, at.start().line));
    }

    /// A macro's arguments are no syntax yet, but `a::b::c`, `.unwrap` and `0.5` are the same there.
    fn tokens(&mut self, tokens: proc_macro2::TokenStream) {
        let mut segments: Vec<String> = Vec::new();
        let (mut colons, mut line, mut is_method) = (0, 0, false);
        for token in tokens {
            line = token.span().start().line;
            let is_dot = matches!(&token, proc_macro2::TokenTree::Punct(punct) if punct.as_char() == '.');
            match token {
                proc_macro2::TokenTree::Ident(ident) => {
                    if is_method && ident == "unwrap" {
                        self.odd(Oddity::Unwrap, ident.span());
                    }
                    if colons != 2 {
                        self.end_of(&mut segments, line);
                    }
                    segments.push(ident.to_string());
                    colons = 0;
                }
                proc_macro2::TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                proc_macro2::TokenTree::Group(group) => {
                    self.end_of(&mut segments, line);
                    self.tokens(group.stream());
                }
                proc_macro2::TokenTree::Literal(literal) => {
                    self.end_of(&mut segments, line);
                    if syn::parse_str::<syn::LitFloat>(&literal.to_string()).is_ok() {
                        self.odd(Oddity::Float, literal.span());
                    }
                }
                proc_macro2::TokenTree::Punct(_) => self.end_of(&mut segments, line),
            }
            is_method = is_dot;
        }
        self.end_of(&mut segments, line);
    }

    fn end_of(&mut self, segments: &mut Vec<String>, line: usize) {
        let segments = std::mem::take(segments);
        if segments.len() > 1 {
            self.path(&segments, line);
        }
    }

    fn function(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let lines = body.span().end().line - signature.span().start().line + 1;
        self.facts.functions.push((signature.ident.to_string(), lines));
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_test(attributes(item)) {
            self.facts.test_lines += item.span().end().line - item.span().start().line + 1;
            self.facts.test_files.extend(test_file(item));
            return;
        }
        self.facts.items += usize::from(!matches!(item, syn::Item::Mod(_) | syn::Item::Use(_)));
        syn::visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.facts.modules.push((module.ident.to_string(), matches!(module.vis, syn::Visibility::Public(_))));
        self.depth.push(module.ident.to_string());
        syn::visit::visit_item_mod(self, module);
        self.depth.pop();
    }

    fn visit_item_use(&mut self, _: &'ast syn::ItemUse) {}

    /// `pub(crate)` is no arrow.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        self.path(&[item.ident.to_string()], item.span().start().line);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if attribute.path().is_ident("path") {
            self.odd(Oddity::Elsewhere, attribute.span());
        }
        syn::visit::visit_attribute(self, attribute);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if let [only] = &segments[..]
            && ["f32", "f64"].contains(&&**only)
        {
            self.odd(Oddity::Float, path.span());
        }
        self.path(&segments, path.span().start().line);
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        if let Some(last) = mac.path.segments.last() {
            let name = last.ident.to_string();
            let oddity = if name == "include" { Oddity::Elsewhere } else { Oddity::Macro(name) };
            self.odd(oddity, mac.span());
        }
        self.tokens(mac.tokens.clone());
        syn::visit::visit_macro(self, mac);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if let Some(word) = &signature.asyncness {
            self.odd(Oddity::Async, word.span());
        }
        syn::visit::visit_signature(self, signature);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.sig, body);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }

    fn visit_lit_float(&mut self, literal: &'ast syn::LitFloat) {
        self.odd(Oddity::Float, literal.span());
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if call.method == "unwrap" {
            self.odd(Oddity::Unwrap, call.method.span());
        }
        syn::visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_await(&mut self, wait: &'ast syn::ExprAwait) {
        self.odd(Oddity::Async, wait.span());
        syn::visit::visit_expr_await(self, wait);
    }

    fn visit_expr_async(&mut self, block: &'ast syn::ExprAsync) {
        self.odd(Oddity::Async, block.span());
        syn::visit::visit_expr_async(self, block);
    }
}
