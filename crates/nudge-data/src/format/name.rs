//! The formats by name.
//!
//! It lacks their shapes: each has a file of its own, named like it.

use std::fmt;

/// What one record of a file looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// TRL's language modelling.
    Text,
    /// TRL's prompt-only.
    Prompt,
    /// TRL's prompt-completion.
    PromptCompletion,
    /// TRL's conversational language modelling.
    Conversation,
    /// TRL's preference with its prompt.
    Preference,
    /// TRL's preference whose prompt stands at the beginning of both completions.
    ImplicitPreference,
    /// TRL's unpaired preference.
    Unpaired,
    /// Stanford Alpaca; with `chosen` and `rejected` a preference.
    Alpaca,
    /// Databricks Dolly.
    Dolly,
    /// ShareGPT.
    ShareGpt,
    /// OpenAssistant, one tree a record.
    OasstTrees,
    /// OpenAssistant, one message a record.
    OasstMessages,
    /// Anthropic's helpful and harmless comparisons.
    HhRlhf,
    /// UltraFeedback.
    UltraFeedback,
    /// OpenAI's TL;DR comparisons and ratings.
    Tldr,
    /// Questions with their answers.
    QuestionAnswer,
    /// Open WebUI's ratings of its chats.
    OpenWebUi,
    /// ChatGPT's export of one's own chats.
    ChatGpt,
    /// Our rankings.
    Ranking,
    /// Our candidates.
    Candidates,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 20] = [
        Self::Text,
        Self::Prompt,
        Self::PromptCompletion,
        Self::Conversation,
        Self::Preference,
        Self::ImplicitPreference,
        Self::Unpaired,
        Self::Alpaca,
        Self::Dolly,
        Self::ShareGpt,
        Self::OasstTrees,
        Self::OasstMessages,
        Self::HhRlhf,
        Self::UltraFeedback,
        Self::Tldr,
        Self::QuestionAnswer,
        Self::OpenWebUi,
        Self::ChatGpt,
        Self::Ranking,
        Self::Candidates,
    ];

    /// The word of `--format`.
    pub fn name(self) -> &'static str {
        self.name_and_description().0
    }

    /// The fields and what they are for, on one line.
    pub fn description(self) -> &'static str {
        self.name_and_description().1
    }

    fn name_and_description(self) -> (&'static str, &'static str) {
        match self {
            Self::Text => ("text", "{text}: text to continue (TRL language modelling)"),
            Self::Prompt => ("prompt", "{prompt}: prompts to answer (TRL prompt-only)"),
            Self::PromptCompletion => ("prompt-completion", "{prompt, completion}: demonstrations (TRL)"),
            Self::Conversation => ("conversation", "{messages: [{role, content}]}: conversations (TRL)"),
            Self::Preference => ("preference", "{prompt, chosen, rejected}: pairs (TRL preference, explicit prompt)"),
            Self::ImplicitPreference => {
                ("implicit-preference", "{chosen, rejected}, both beginning with the prompt: pairs (TRL)")
            }
            Self::Unpaired => ("unpaired", "{prompt, completion, label}: single completions, good or bad (TRL)"),
            Self::Alpaca => ("alpaca", "{instruction, input, output}: demonstrations; with {chosen, rejected} pairs"),
            Self::Dolly => ("dolly", "{instruction, context, response, category}: demonstrations"),
            Self::ShareGpt => ("sharegpt", "{conversations: [{from, value}]}: conversations"),
            Self::OasstTrees => ("oasst-trees", "{prompt: {text, replies}}: trees of ranked replies (OpenAssistant)"),
            Self::OasstMessages => {
                ("oasst-messages", "{message_id, parent_id, text, role, rank}: the messages of trees (OpenAssistant)")
            }
            Self::HhRlhf => ("hh-rlhf", "{chosen, rejected} with Human: and Assistant: turns: pairs (Anthropic)"),
            Self::UltraFeedback => ("ultrafeedback", "{instruction, completions} with ratings: rankings with ties"),
            Self::Tldr => ("tldr", "{info, summaries, choice}: pairs; {info, summary}: rated ones (OpenAI TL;DR)"),
            Self::QuestionAnswer => ("question-answer", "{question, answer} or {q, a}: demonstrations"),
            Self::OpenWebUi => {
                ("open-webui", "{data: {rating}, meta, snapshot}: rated completions (Open WebUI feedback)")
            }
            Self::ChatGpt => ("chatgpt", "{mapping, current_node}: conversations (ChatGPT's conversations.json)"),
            Self::Ranking => ("ranking", "{id, prompt, completions, ranking}: rankings of any number of completions"),
            Self::Candidates => ("candidates", "{id, prompt, completions}: completions waiting to be ranked"),
        }
    }

    /// The format of this name; `-` and `_` are the same, and so are capitals.
    ///
    /// # Errors
    ///
    /// A message that lists all names.
    pub fn from_name(name: &str) -> Result<Self, String> {
        let wanted = name.trim().to_ascii_lowercase().replace('_', "-");
        Self::ALL.into_iter().find(|format| format.name() == wanted).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|format| format.name()).collect();
            format!("there is no format {name:?}; the formats are {}", names.join(", "))
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
