//! Which classes a query is in.
//!
//! The stages follow Kea: classes are evaluated in the order of the file, those that depend on `KNOWN` once the client's
//! reservation is known, those of an additional list once an address is chosen. An expression without a result is
//! logged, and the query is not in its class.

use std::fmt::{self, Display};

use eval::messages::EVAL_DEBUG_EQUAL;
use eval::{
    Candidates, ClassId, ClassSet, EvalError, Field, FieldValue, LogTrace, PacketContext, Scratch,
    Trace,
};
use kea_log::{RateLimiter, log, log_limited};
use libdhcp::OptionSetForm;
use util::Now;

use super::evidence::Evidence;
use super::family::{Family, each_vendor};
use super::values::Escaped;
use super::{Class, ClassTest, Classes, Stage, special};
use crate::explain;
use crate::explain::{Explanation, Topic};
use crate::loggers::{DHCPSRV, EVAL};
use crate::messages::{
    DHCPSRV_EVAL_ERROR, DHCPSRV_EVAL_RESULT, DHCPSRV_TEMPLATE_EVAL_ERROR,
    DHCPSRV_TEMPLATE_EVAL_RESULT,
};

/// A query whose classes are sought.
pub struct Query<'a, C> {
    /// The packet. The set of classes that it refers to is not looked at; take [`ClassSet::empty`].
    pub packet: &'a C,
    /// The client, as logs name it.
    pub label: &'a dyn Display,
    /// Who listens to what is decided.
    pub explanation: Option<&'a Explanation>,
    /// The brake on what each query of a storm would log.
    pub limiter: &'a RateLimiter,
    /// The time now.
    pub now: Now,
}

/// The classes that one query is in; belongs to a worker and is reused for all queries and configurations.
#[derive(Debug, Default)]
pub struct Membership {
    set: ClassSet,
    /// The same in the order in which the query got into them.
    entered: Vec<ClassId>,
    scratch: Scratch,
    candidates: Candidates,
}

impl Membership {
    /// Starts without classes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// First stage, before anything is known of the client's reservation: forgets the last query, and enters `ALL`, the
    /// vendor class, and the classes whose tests do not depend on the client being known.
    pub fn before_host<S: OptionSetForm, C: PacketContext>(
        &mut self,
        classes: &Classes<S>,
        query: &Query<'_, C>,
    ) {
        self.clear(classes.table.len());
        self.enter(special::EVERYBODY);
        explain!(query.explanation, Topic::Classes, "ALL\ttrue\tevery client");
        each_vendor(classes.universe, query.packet, |value| {
            self.enter_vendor(classes, query, value)
        });
        self.evaluate(classes, query, &classes.early, Watch::now());
    }

    /// Second stage: enters the classes of the client's reservation, `KNOWN` or `UNKNOWN`, and the classes whose tests
    /// depend on that. The classes of a reservation may change what other tests say, so those are evaluated again.
    ///
    /// It may be repeated when another reservation is found later.
    pub fn after_host<S: OptionSetForm, C: PacketContext>(
        &mut self,
        classes: &Classes<S>,
        query: &Query<'_, C>,
        is_known: bool,
        host_classes: &[ClassId],
    ) {
        if !host_classes.is_empty() {
            self.leave_tested(classes);
            for class in host_classes {
                let name = classes.table.name(*class);
                explain!(query.explanation, Topic::Classes, "{name}\ttrue\tby the reservation");
                self.enter(*class);
            }
            explain!(
                query.explanation,
                Topic::Classes,
                "with these, the tests are evaluated again:"
            );
            self.evaluate(classes, query, &classes.early, Watch::now());
        }
        let class = if is_known { special::KNOWN } else { special::UNKNOWN };
        self.enter(class);
        let has = if is_known { "has a" } else { "has no" };
        let name = classes.table.name(class);
        explain!(query.explanation, Topic::Classes, "{name}\ttrue\tthe client {has} reservation");
        let family = Family::of(classes.universe);
        if family.is_logged(family.class_assigned) {
            family.logger.write(family.class_assigned, &[query.label, &name]);
        }
        self.evaluate(classes, query, &classes.late, Watch::now());
        if let Some(explanation) = query.explanation {
            self.explain_untested(classes, explanation);
        }
        if family.is_logged(family.classes_after_subnet) {
            let names = self.names(classes);
            family.logger.write(family.classes_after_subnet, &[query.label, &names]);
        }
    }

    /// Third stage, once an address is chosen: evaluates the classes that its pool, subnet and shared network ask for,
    /// in this order; those without a test are entered.
    pub fn additional<S: OptionSetForm, C: PacketContext>(
        &mut self,
        classes: &Classes<S>,
        query: &Query<'_, C>,
        lists: &[&[ClassId]],
    ) {
        if lists.iter().any(|list| !list.is_empty()) {
            explain!(query.explanation, Topic::Classes, "once the address is chosen:");
        }
        for (number, list) in lists.iter().enumerate() {
            let earlier = lists.get(..number).unwrap_or_default();
            for class in *list {
                if !earlier.iter().any(|list| list.contains(class)) {
                    self.evaluate_additional(classes, query, *class);
                }
            }
        }
    }

    /// Logs the classes of a query once all stages are over; `message` is the name of its type.
    pub fn log<S: OptionSetForm, C>(
        &self,
        classes: &Classes<S>,
        query: &Query<'_, C>,
        message: &dyn Display,
    ) {
        let family = Family::of(classes.universe);
        if family.is_logged(family.classes_assigned) {
            let names = self.names(classes);
            family.logger.write(family.classes_assigned, &[query.label, message, &names]);
        }
    }

    /// Forgets the last query; the next one is in no class.
    pub fn forget(&mut self) {
        if !self.entered.is_empty() {
            self.clear(0);
        }
    }

    /// Puts the query into a class, whatever its test says.
    pub fn enter(&mut self, class: ClassId) {
        if !self.set.contains(class) && self.set.insert(class) {
            self.entered.push(class);
        }
    }

    /// The classes, as guards and expressions see them.
    #[must_use]
    pub fn set(&self) -> &ClassSet {
        &self.set
    }

    /// The classes in the order in which the query got into them.
    #[must_use]
    pub fn entered(&self) -> &[ClassId] {
        &self.entered
    }

    /// Whether the query is in a class.
    #[must_use]
    pub fn contains(&self, class: ClassId) -> bool {
        self.set.contains(class)
    }

    /// Whether the query must not be answered: it is in `DROP`. To be asked after each of the first two stages.
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.contains(special::DROP)
    }

    /// Whether the client must be refused: it is in `REJECT`.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.contains(special::REJECT)
    }

    /// Forgets the last query; makes room for the classes of a configuration.
    pub(super) fn clear(&mut self, len: usize) {
        if self.set.capacity() < len {
            self.set = ClassSet::with_capacity(len);
        } else {
            self.set.clear();
        }
        self.entered.clear();
        self.entered.reserve(len);
    }

    /// Leaves the classes that have a test.
    fn leave_tested<S: OptionSetForm>(&mut self, classes: &Classes<S>) {
        let Self { set, entered, .. } = self;
        entered.retain(|id| {
            let is_kept = classes.get(*id).is_none_or(|class| class.test.is_none());
            if !is_kept {
                set.remove(*id);
            }
            is_kept
        });
    }

    fn enter_vendor<S: OptionSetForm, C>(
        &mut self,
        classes: &Classes<S>,
        query: &Query<'_, C>,
        value: &[u8],
    ) {
        classes.vendor.of(value).iter().for_each(|class| self.enter(*class));
        let name = format_args!("{}{}", special::VENDOR, Escaped(value));
        explain!(query.explanation, Topic::Classes, "{name}\ttrue\tby the vendor class");
        let family = Family::of(classes.universe);
        if family.is_logged(family.class_assigned) {
            family.logger.write(family.class_assigned, &[query.label, &name]);
        }
    }

    /// Evaluates the classes of a stage; unless somebody looks, those only whose tests may be true.
    pub(super) fn evaluate<S: OptionSetForm, C: PacketContext>(
        &mut self,
        classes: &Classes<S>,
        query: &Query<'_, C>,
        stage: &Stage,
        watch: Watch,
    ) {
        if stage.places.is_empty() {
            return;
        }
        let at = |number: usize| classes.defined.get(*stage.places.get(number)? as usize);
        if watch.is_traced || watch.is_told || query.explanation.is_some() {
            let all = (0..stage.places.len()).filter_map(at);
            return all.for_each(|class| self.evaluate_class(class, query, watch));
        }
        let mut candidates = std::mem::take(&mut self.candidates);
        stage.dispatch.find(query.packet, &mut self.scratch, &mut candidates);
        let found = candidates.iter().filter_map(at);
        found.for_each(|class| self.evaluate_class(class, query, watch));
        self.candidates = candidates;
    }

    /// Tells of the classes that are not evaluated.
    #[cold]
    fn explain_untested<S: OptionSetForm>(&self, classes: &Classes<S>, explanation: &Explanation) {
        for class in &classes.defined {
            let why = match (&class.test, class.is_additional) {
                _ if self.contains(class.id) => continue,
                (_, true) => {
                    "to be evaluated only where a pool, subnet or shared network asks for it"
                }
                (None, false) => {
                    "without a test: only reservations and other classes put clients into it"
                }
                (Some(_), false) => continue,
            };
            explain!(Some(explanation), Topic::Classes, "{}\t-\t{why}", class.name);
        }
    }

    fn evaluate_class<S: OptionSetForm, C: PacketContext>(
        &mut self,
        class: &Class<S>,
        query: &Query<'_, C>,
        watch: Watch,
    ) {
        let Some(test) = &class.test else { return };
        let is_template = matches!(test, ClassTest::Template(_));
        match self.judge(class, test, query, watch) {
            Ok(is_in) if watch.is_told && !is_template => {
                log!(DHCPSRV, DHCPSRV_EVAL_RESULT, query.label, class.name, is_in);
            }
            Ok(_) => {}
            Err(error) => {
                let Query { label, limiter, now, .. } = query;
                let (name, now_ns) = (&class.name, now.mono_ns);
                if is_template {
                    log_limited!(
                        limiter,
                        now_ns,
                        DHCPSRV,
                        DHCPSRV_TEMPLATE_EVAL_ERROR,
                        label,
                        name,
                        error
                    );
                } else {
                    log_limited!(limiter, now_ns, DHCPSRV, DHCPSRV_EVAL_ERROR, label, name, error);
                }
            }
        }
    }

    fn evaluate_additional<S: OptionSetForm, C: PacketContext>(
        &mut self,
        classes: &Classes<S>,
        query: &Query<'_, C>,
        id: ClassId,
    ) {
        let family = Family::of(classes.universe);
        let tell = |message, values: &[&dyn Display]| {
            if family.is_logged(message) {
                family.logger.write(message, values);
            }
        };
        let Some(class) = classes.get(id) else {
            return tell(family.additional_undefined, &[&classes.table.name(id)]);
        };
        let Some(test) = &class.test else {
            tell(family.additional_no_test, &[&class.name]);
            explain!(query.explanation, Topic::Classes, "{}\ttrue\twithout a test", class.name);
            return self.enter(id);
        };
        match self.judge(class, test, query, Watch::now()) {
            Ok(is_in) => tell(family.additional_result, &[query.label, &class.name, &is_in]),
            Err(error) => {
                let message = family.additional_error;
                if family.is_logged(message)
                    && let Some(suppressed) = query.limiter.admit(message, query.now.mono_ns)
                {
                    let values: [&dyn Display; 3] = [query.label, &class.name, &error];
                    family.logger.write_limited(message, &values, suppressed);
                }
            }
        }
    }

    /// Evaluates the test of a class and enters the class, and those it spawns, if the query is in it.
    #[inline]
    fn judge<S, C: PacketContext>(
        &mut self,
        class: &Class<S>,
        test: &ClassTest,
        query: &Query<'_, C>,
        watch: Watch,
    ) -> Result<bool, EvalError> {
        match query.explanation {
            None => {
                let mut log = LogTrace { logger: &EVAL, label: query.label };
                self.judge_by(class, test, query, watch, &mut log)
            }
            Some(explanation) => self.explain_judgement(class, test, query, watch, explanation),
        }
    }

    #[cold]
    fn explain_judgement<S, C: PacketContext>(
        &mut self,
        class: &Class<S>,
        test: &ClassTest,
        query: &Query<'_, C>,
        watch: Watch,
        explanation: &Explanation,
    ) -> Result<bool, EvalError> {
        let mut evidence = Evidence::new(query.label);
        let watch = Watch { is_traced: true, ..watch };
        let judgement = self.judge_by(class, test, query, watch, &mut evidence);
        let text = match test {
            ClassTest::Condition(condition) => condition.program().text(),
            ClassTest::Template(template) => template.expression.program().text(),
        };
        let verdict: &dyn Display = match &judgement {
            Ok(is_in) => is_in,
            Err(_) => &"error",
        };
        explain!(Some(explanation), Topic::Classes, "{}\t{verdict}\t{}", class.name, OneLine(text));
        match (&judgement, evidence.facts()) {
            (Ok(true), _) => {}
            (Ok(false), "") => {}
            (Ok(false), facts) => explain!(Some(explanation), Topic::Classes, "  {facts}"),
            (Err(error), "") => explain!(Some(explanation), Topic::Classes, "  {error}"),
            (Err(error), facts) => {
                explain!(Some(explanation), Topic::Classes, "  {facts}; {error}");
            }
        }
        judgement
    }

    fn judge_by<S, C: PacketContext>(
        &mut self,
        class: &Class<S>,
        test: &ClassTest,
        query: &Query<'_, C>,
        watch: Watch,
        trace: &mut dyn Trace,
    ) -> Result<bool, EvalError> {
        let Self { set, scratch, .. } = self;
        let packet = &Seen { packet: query.packet, classes: set };
        let is_in = match test {
            ClassTest::Condition(condition) if watch.is_traced => {
                condition.evaluate_traced(packet, scratch, trace)?
            }
            ClassTest::Condition(condition) => condition.evaluate(packet, scratch)?,
            ClassTest::Template(template) => {
                let expression = &template.expression;
                let value = if watch.is_traced {
                    expression.evaluate_traced(packet, scratch, trace)?
                } else {
                    expression.evaluate(packet, scratch)?
                };
                let is_in = !value.is_empty();
                if is_in && watch.is_told {
                    let value = Escaped(value);
                    log!(DHCPSRV, DHCPSRV_TEMPLATE_EVAL_RESULT, query.label, class.name, value);
                }
                let spawned = template.spawned.of(value);
                spawned.iter().for_each(|class| self.enter(*class));
                is_in
            }
        };
        if is_in {
            self.enter(class.id);
        }
        Ok(is_in)
    }

    /// The names of the classes, in the order in which the query got into them.
    fn names<'a, S: OptionSetForm>(&'a self, classes: &'a Classes<S>) -> impl Display {
        Names(self.entered.iter().map(|id| classes.table.name(*id)))
    }
}

/// What is logged of an evaluation.
#[derive(Clone, Copy)]
pub(super) struct Watch {
    /// Each step.
    pub(super) is_traced: bool,
    /// The result.
    pub(super) is_told: bool,
}

impl Watch {
    /// As the loggers are set.
    #[inline]
    fn now() -> Self {
        Self {
            is_traced: EVAL.is_rank_enabled(EVAL_DEBUG_EQUAL.rank()),
            is_told: DHCPSRV.is_rank_enabled(DHCPSRV_EVAL_RESULT.rank()),
        }
    }
}

/// A packet with the classes that it is in so far.
struct Seen<'a, C> {
    packet: &'a C,
    classes: &'a ClassSet,
}

impl<C: PacketContext> PacketContext for Seen<'_, C> {
    #[inline]
    fn option(&self, code: u16) -> Option<&[u8]> {
        self.packet.option(code)
    }

    fn each_code(&self, visit: &mut dyn FnMut(u16)) {
        self.packet.each_code(visit);
    }

    fn each_option(&self, code: u16, visit: &mut dyn FnMut(&[u8])) {
        self.packet.each_option(code, visit);
    }

    #[inline]
    fn relay_option(&self, level: i8, code: u16) -> Option<&[u8]> {
        self.packet.relay_option(level, code)
    }

    #[inline]
    fn field(&self, field: Field) -> FieldValue<'_> {
        self.packet.field(field)
    }

    #[inline]
    fn is_member(&self, class: ClassId) -> bool {
        self.classes.contains(class)
    }
}

/// Text without breaks and tabs.
struct OneLine<'a>(&'a str);

impl Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split_whitespace().enumerate().try_for_each(|(number, word)| {
            write!(f, "{}{word}", if number == 0 { "" } else { " " })
        })
    }
}

/// Names with commas between them.
struct Names<I>(I);

impl<'a, I: Iterator<Item = &'a str> + Clone> Display for Names<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.clone().enumerate().try_for_each(|(number, name)| {
            write!(f, "{}{name}", if number == 0 { "" } else { ", " })
        })
    }
}

impl<C> fmt::Debug for Query<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Query {{ label: {} }}", self.label)
    }
}
