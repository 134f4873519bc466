//! Puts limits into a template: the same template, with every value that can grow checked where it is made.
//!
//! The engine counts instructions, but one instruction may double a text, and forty of them fill any memory. So the
//! template is parsed and written out again with each growing expression inside a call of [`BOUNDED`], which
//! [`super::limits`] answers. Printed text goes through it as well. The lines of the statements stay where they were,
//! for the sake of messages.
//!
//! What reaches beyond the one template (`include`, `import`, `extends`, `block`) is refused here by name.

mod expressions;

use std::fmt::Write;

use minijinja::machinery::ast::{Expr, ForLoop, IfCond, Macro, Stmt};
use minijinja::machinery::{Token, parse, tokenize};
use minijinja::syntax::SyntaxConfig;

use super::TEMPLATE_NAME;

/// The name of the function that every growing value passes.
pub(super) const BOUNDED: &str = "__bounded__";

/// The name of the function that passes what is kept in a namespace.
pub(super) const STORED: &str = "__stored__";
/// The name of the function that takes slices: the engine's own panics at `''[::-1]`.
pub(super) const SLICE: &str = "__slice__";

/// The longest template. The longest of known models has 20,000 characters.
const MAX_SOURCE: usize = 200_000;
/// The most tokens between two tag delimiters, and the most `elif`: what is nested deeper fills the stack.
const MAX_TOKENS: usize = 2_000;

/// The template with limits, or why it can not have them.
pub(super) fn with_limits(source: &str, syntax: &SyntaxConfig) -> Result<String, String> {
    if source.len() > MAX_SOURCE {
        return Err(format!("it has {} bytes and the limit is {MAX_SOURCE}", source.len()));
    }
    check_tokens(source, syntax)?;
    let template = parse(source, TEMPLATE_NAME, syntax.clone()).map_err(|error| error.to_string())?;
    let mut writer = Writer { out: String::with_capacity(2 * source.len()), line: 1 };
    match &template {
        Stmt::Template(root) => writer.statements(&root.children)?,
        _ => return Err("it is no template".to_owned()),
    }
    Ok(writer.out)
}

fn check_tokens(source: &str, syntax: &SyntaxConfig) -> Result<(), String> {
    let (mut in_tag, mut branches) = (0, 0);
    for token in tokenize(source, false, syntax.clone()) {
        let (token, span) = token.map_err(|error| error.to_string())?;
        match token {
            Token::VariableStart | Token::BlockStart => in_tag = 0,
            Token::Ident("elif") => branches += 1,
            _ => in_tag += 1,
        }
        if in_tag.max(branches) > MAX_TOKENS {
            return Err(format!("line {}: an expression or a chain of conditions is too long", span.start_line));
        }
    }
    Ok(())
}

struct Writer {
    out: String,
    /// The line that is being written, from 1.
    line: u16,
}

type Written = Result<(), String>;

impl Writer {
    /// Begins a statement, on the line that it had.
    fn tag(&mut self, line: u16, keyword: &str) {
        self.out.push_str("{%");
        self.pad(line);
        self.out.push_str(keyword);
        self.out.push(' ');
    }

    fn end(&mut self) {
        self.out.push_str("%}");
    }

    fn pad(&mut self, line: u16) {
        while self.line < line {
            self.out.push('\n');
            self.line += 1;
        }
    }

    fn statements(&mut self, statements: &[Stmt<'_>]) -> Written {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn block(&mut self, body: &[Stmt<'_>], end: &str) -> Written {
        self.end();
        self.statements(body)?;
        write!(self.out, "{{%{end}%}}").map_err(|error| error.to_string())
    }

    fn statement(&mut self, statement: &Stmt<'_>) -> Written {
        match statement {
            Stmt::EmitRaw(text) => {
                self.out.push_str("{{");
                self.out.push_str(BOUNDED);
                self.out.push('(');
                self.text(text.raw);
                self.out.push_str(")}}");
            }
            Stmt::EmitExpr(print) => {
                self.out.push_str("{{");
                self.pad(print.span().start_line);
                self.expression(&print.expr)?;
                self.out.push_str("}}");
            }
            Stmt::ForLoop(each) => self.for_loop(each, each.span().start_line)?,
            Stmt::IfCond(condition) => self.condition(condition, condition.span().start_line, "if")?,
            Stmt::WithBlock(with) => {
                self.tag(with.span().start_line, "with");
                self.list(&with.assignments, |writer, (target, value)| {
                    writer.target(target)?;
                    writer.out.push('=');
                    writer.expression(value)
                })?;
                self.block(&with.body, "endwith")?;
            }
            Stmt::Set(set) => {
                self.tag(set.span().start_line, "set");
                self.target(&set.target)?;
                self.out.push('=');
                match &set.target {
                    Expr::Var(_) => self.expression(&set.expr)?,
                    _ => self.within(&format!("{STORED}("), ")", |writer| writer.expression(&set.expr))?,
                }
                self.end();
            }
            Stmt::SetBlock(set) if set.filter.is_none() => {
                self.tag(set.span().start_line, "set");
                self.target(&set.target)?;
                self.block(&set.body, "endset")?;
            }
            Stmt::Macro(declared) => {
                self.tag(declared.span().start_line, "macro");
                self.out.push_str(declared.name);
                self.signature(declared)?;
                self.block(&declared.body, "endmacro")?;
            }
            Stmt::CallBlock(block) => {
                self.tag(block.span().start_line, "call");
                self.signature(&block.macro_decl)?;
                self.call(&block.call.expr, &block.call.args)?;
                self.block(&block.macro_decl.body, "endcall")?;
            }
            Stmt::Do(run) => {
                self.tag(run.span().start_line, "do");
                self.call(&run.call.expr, &run.call.args)?;
                self.end();
            }
            Stmt::Continue(_) => self.out.push_str("{%continue%}"),
            Stmt::Break(_) => self.out.push_str("{%break%}"),
            _ => return Err(self.refused(statement)),
        }
        Ok(())
    }

    fn refused(&self, statement: &Stmt<'_>) -> String {
        let (line, what) = match statement {
            Stmt::Include(s) => (s.span().start_line, "includes another template"),
            Stmt::Import(s) => (s.span().start_line, "imports another template"),
            Stmt::FromImport(s) => (s.span().start_line, "imports another template"),
            Stmt::Extends(s) => (s.span().start_line, "extends another template"),
            Stmt::Block(s) => (s.span().start_line, "declares a block for other templates"),
            Stmt::AutoEscape(s) => (s.span().start_line, "asks for HTML escapes"),
            Stmt::FilterBlock(s) => (s.span().start_line, "filters a block"),
            Stmt::SetBlock(s) => (s.span().start_line, "filters a block"),
            _ => (self.line, "uses a statement that chat templates do not have"),
        };
        format!("line {line}: it {what}; a chat template is one text that reads no files and stands by itself")
    }

    fn for_loop(&mut self, each: &ForLoop<'_>, line: u16) -> Written {
        if each.recursive {
            return Err(format!("line {line}: a loop is `recursive`, which chat templates do not need"));
        }
        self.tag(line, "for");
        self.target(&each.target)?;
        self.out.push_str(" in ");
        self.operand(&each.iter)?;
        if let Some(filter) = &each.filter_expr {
            self.out.push_str(" if ");
            self.expression(filter)?;
        }
        self.end();
        self.statements(&each.body)?;
        if !each.else_body.is_empty() {
            self.out.push_str("{%else%}");
            self.statements(&each.else_body)?;
        }
        self.out.push_str("{%endfor%}");
        Ok(())
    }

    fn condition(&mut self, condition: &IfCond<'_>, line: u16, keyword: &str) -> Written {
        self.tag(line, keyword);
        self.expression(&condition.expr)?;
        self.end();
        self.statements(&condition.true_body)?;
        if !condition.false_body.is_empty() {
            self.out.push_str("{%else%}");
            self.statements(&condition.false_body)?;
        }
        self.out.push_str("{%endif%}");
        Ok(())
    }

    /// The arguments of a macro; the last ones have defaults.
    fn signature(&mut self, declared: &Macro<'_>) -> Written {
        let required = declared.args.len() - declared.defaults.len();
        let arguments: Vec<_> = declared.args.iter().enumerate().collect();
        self.out.push('(');
        self.list(&arguments, |writer, (index, argument)| {
            writer.target(argument)?;
            if let Some(default) = index.checked_sub(required).map(|index| &declared.defaults[index]) {
                writer.out.push('=');
                writer.expression(default)?;
            }
            Ok(())
        })?;
        self.out.push(')');
        Ok(())
    }

    /// What is assigned to: a name, a namespace's attribute, or several.
    fn target(&mut self, target: &Expr<'_>) -> Written {
        match target {
            Expr::Var(variable) => self.out.push_str(variable.id),
            Expr::GetAttr(attribute) => {
                self.target(&attribute.expr)?;
                self.out.push('.');
                self.out.push_str(attribute.name);
            }
            Expr::List(list) => self.list(&list.items, |writer, item| match item {
                Expr::List(_) => writer.within("(", ")", |writer| writer.target(item)),
                _ => writer.target(item),
            })?,
            _ => return Err(format!("line {}: this can not be assigned to", target.span().start_line)),
        }
        Ok(())
    }

    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T) -> Written) -> Written {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            write(self, item)?;
        }
        Ok(())
    }

    fn within(&mut self, open: &str, close: &str, write: impl FnOnce(&mut Self) -> Written) -> Written {
        self.out.push_str(open);
        write(self)?;
        self.out.push_str(close);
        Ok(())
    }

    fn bounded(&mut self, write: impl FnOnce(&mut Self) -> Written) -> Written {
        self.out.push_str(BOUNDED);
        self.within("(", ")", write)
    }
}
