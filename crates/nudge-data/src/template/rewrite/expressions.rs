//! Expressions, written out again with their limits.
//!
//! Whatever makes a value that may be larger than those it is made from is checked when it is made; what an operator
//! reads whole is counted when it is read.

use std::fmt::Write;

use minijinja::Value;
use minijinja::machinery::ast::{BinOpKind, CallArg, CompareOpKind, Expr, UnaryOpKind};
use minijinja::value::ValueKind;

use super::{SLICE, Writer, Written};

/// Tests that look at a value's kind alone.
const CHEAP_TESTS: [&str; 11] =
    ["defined", "undefined", "none", "string", "mapping", "iterable", "sequence", "boolean", "number", "true", "false"];

/// Filters that do not look at what a value consists of.
const CHEAP_FILTERS: [&str; 6] = ["length", "count", "first", "last", "default", "d"];

impl Writer {
    /// An expression whose cost depends on how large it is.
    pub(super) fn operand(&mut self, expression: &Expr<'_>) -> Written {
        match expression {
            Expr::Var(variable) if variable.id == "loop" => self.expression(expression),
            Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_) | Expr::IfExpr(_) => {
                self.bounded(|writer| writer.expression(expression))
            }
            // The others are checked where they are made.
            _ => self.expression(expression),
        }
    }

    pub(super) fn expression(&mut self, expression: &Expr<'_>) -> Written {
        match expression {
            Expr::Var(variable) => self.out.push_str(variable.id),
            Expr::Const(constant) => self.constant(&constant.value)?,
            Expr::UnaryOp(unary) => {
                let operator = match unary.op {
                    UnaryOpKind::Not => "(not ",
                    UnaryOpKind::Neg => "(-",
                };
                self.within(operator, ")", |writer| writer.expression(&unary.expr))?;
            }
            Expr::BinOp(binary) => self.binary(binary.op, &binary.left, &binary.right)?,
            Expr::Compare(compare) => self.within("(", ")", |writer| {
                writer.operand(&compare.expr)?;
                compare.ops.iter().try_for_each(|step| {
                    writer.out.push_str(comparison(step.op));
                    writer.operand(&step.expr)
                })
            })?,
            Expr::IfExpr(choice) => self.within("(", ")", |writer| {
                writer.expression(&choice.true_expr)?;
                writer.out.push_str(" if ");
                writer.expression(&choice.test_expr)?;
                let Some(otherwise) = &choice.false_expr else { return Ok(()) };
                writer.out.push_str(" else ");
                writer.expression(otherwise)
            })?,
            Expr::GetAttr(attribute) => {
                self.base(&attribute.expr)?;
                self.out.push('.');
                self.out.push_str(attribute.name);
            }
            Expr::GetItem(item) => {
                self.base(&item.expr)?;
                self.within("[", "]", |writer| writer.expression(&item.subscript_expr))?;
            }
            _ => self.bounded(|writer| writer.growing(expression))?,
        }
        Ok(())
    }

    /// What stands before a dot or a bracket. A number has to be told from its point.
    fn base(&mut self, expression: &Expr<'_>) -> Written {
        match expression {
            Expr::Const(_) => self.within("(", ")", |writer| writer.expression(expression)),
            _ => self.expression(expression),
        }
    }

    fn binary(&mut self, operator: BinOpKind, left: &Expr<'_>, right: &Expr<'_>) -> Written {
        let sign = match operator {
            BinOpKind::Eq => "==",
            BinOpKind::Ne => "!=",
            BinOpKind::Lt => "<",
            BinOpKind::Lte => "<=",
            BinOpKind::Gt => ">",
            BinOpKind::Gte => ">=",
            BinOpKind::ScAnd => " and ",
            BinOpKind::ScOr => " or ",
            BinOpKind::Add => "+",
            BinOpKind::Sub => "-",
            BinOpKind::Mul => "*",
            BinOpKind::Div => "/",
            BinOpKind::FloorDiv => "//",
            BinOpKind::Rem => "%",
            BinOpKind::Pow => "**",
            BinOpKind::Concat => "~",
            BinOpKind::In => " in ",
        };
        let write = |writer: &mut Self| {
            if matches!(operator, BinOpKind::ScAnd | BinOpKind::ScOr) {
                writer.expression(left)?;
                writer.out.push_str(sign);
                return writer.expression(right);
            }
            writer.operand(left)?;
            writer.out.push_str(sign);
            writer.operand(right)
        };
        if matches!(operator, BinOpKind::Add | BinOpKind::Concat | BinOpKind::Mul) {
            return self.bounded(write);
        }
        self.within("(", ")", write)
    }

    /// Expressions that make a value that may be larger than those it is made from, or that is made when it is used.
    fn growing(&mut self, expression: &Expr<'_>) -> Written {
        match expression {
            Expr::Slice(slice) => {
                self.out.push_str(SLICE);
                self.out.push('(');
                self.operand(&slice.expr)?;
                for part in [&slice.start, &slice.stop, &slice.step] {
                    self.out.push(',');
                    match part {
                        Some(part) => self.expression(part)?,
                        None => self.out.push_str("none"),
                    }
                }
                self.out.push(')');
            }
            Expr::Filter(filter) => {
                let input = filter.expr.as_ref().ok_or("a filter stands without a value")?;
                match CHEAP_FILTERS.contains(&filter.name) {
                    true => self.base(input)?,
                    false => self.operand(input)?,
                }
                self.out.push('|');
                self.out.push_str(filter.name);
                self.arguments(&filter.args)?;
            }
            Expr::Test(test) => self.within("(", ")", |writer| {
                match CHEAP_TESTS.contains(&test.name) {
                    true => writer.base(&test.expr)?,
                    false => writer.operand(&test.expr)?,
                }
                writer.out.push_str(" is ");
                writer.out.push_str(test.name);
                if test.args.is_empty() { Ok(()) } else { writer.arguments(&test.args) }
            })?,
            Expr::Call(call) => self.call(&call.expr, &call.args)?,
            Expr::List(list) => self.within("[", "]", |writer| writer.list(&list.items, Self::expression))?,
            Expr::Tuple(tuple) => self.within("(", ")", |writer| {
                tuple.items.iter().try_for_each(|item| {
                    writer.expression(item)?;
                    writer.out.push(',');
                    Ok(())
                })
            })?,
            Expr::Map(map) => self.within("{", "}", |writer| {
                let entries: Vec<_> = map.keys.iter().zip(&map.values).collect();
                writer.list(&entries, |writer, (key, value)| {
                    writer.expression(key)?;
                    writer.out.push(':');
                    writer.expression(value)
                })
            })?,
            _ => return Err(format!("line {}: an expression is not known here", expression.span().start_line)),
        }
        Ok(())
    }

    pub(super) fn call(&mut self, callee: &Expr<'_>, arguments: &[CallArg<'_>]) -> Written {
        match callee {
            Expr::GetAttr(method) => {
                self.within("(", ")", |writer| writer.operand(&method.expr))?;
                self.out.push('.');
                self.out.push_str(method.name);
            }
            _ => self.base(callee)?,
        }
        self.arguments(arguments)
    }

    fn arguments(&mut self, arguments: &[CallArg<'_>]) -> Written {
        self.out.push('(');
        self.list(arguments, |writer, argument| match argument {
            CallArg::Pos(value) => writer.operand(value),
            CallArg::Kwarg(name, value) => {
                writer.out.push_str(name);
                writer.out.push('=');
                writer.operand(value)
            }
            CallArg::PosSplat(values) => writer.within("*", "", |writer| writer.operand(values)),
            CallArg::KwargSplat(values) => writer.within("**", "", |writer| writer.operand(values)),
        })?;
        self.out.push(')');
        Ok(())
    }

    fn constant(&mut self, value: &Value) -> Written {
        match (value.kind(), value.as_str()) {
            (_, Some(text)) => self.text(text),
            (ValueKind::None, _) => self.out.push_str("none"),
            (ValueKind::Bool, _) => self.out.push_str(if value.is_true() { "true" } else { "false" }),
            (ValueKind::Number, _) => write!(self.out, "{value}").map_err(|error| error.to_string())?,
            (kind, _) => return Err(format!("a constant of kind {kind} can not be written")),
        }
        Ok(())
    }

    pub(super) fn text(&mut self, text: &str) {
        self.out.push('"');
        for character in text.chars() {
            match character {
                '"' | '\\' => self.out.extend(['\\', character]),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                _ => self.out.push(character),
            }
        }
        self.out.push('"');
    }
}

fn comparison(operator: CompareOpKind) -> &'static str {
    match operator {
        CompareOpKind::Eq => "==",
        CompareOpKind::Ne => "!=",
        CompareOpKind::Lt => "<",
        CompareOpKind::Lte => "<=",
        CompareOpKind::Gt => ">",
        CompareOpKind::Gte => ">=",
        CompareOpKind::In => " in ",
        CompareOpKind::NotIn => " not in ",
    }
}
