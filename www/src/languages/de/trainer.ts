// What the trainer says, in German. A test compares the names with those that the trainer declares.

import type { TrainerTexts } from '../trainer';

export const trainer: TrainerTexts = {
  labelers: {
    customer_reply: {
      title: 'Antworten an Kunden',
      rule:
        'Höchstens 60 Wörter, eine Anrede mit Namen, eine Entschuldigung, wo der Kunde sich beschwert, und sonst nicht, keine Lücken wie ' +
        '[Name], kein Wort davon, eine Maschine zu sein; geht auf das ein, was der Kunde schrieb, mit anderen Worten und ohne sich zu wiederholen. Punkte von zehn.',
    },
    three_bullets: {
      title: 'Drei Stichpunkte',
      rule:
        'Drei Stichpunkte von höchstens 20 Wörtern und nichts daneben; das meiste, was in den Notizen steht, und nichts, was nicht darin ' +
        'steht, ohne Wiederholung. Punkte von zehn.',
    },
    plain_product: {
      title: 'Schlichte Produkttexte',
      rule:
        'Keine Superlative und keine Werbesprache; die gegebenen Tatsachen mit anderen Worten, keine anderen Zahlen; 20 bis 70 Wörter, ' +
        'ohne Wiederholung. Punkte von zehn.',
    },
    happier: {
      title: 'Fröhlicher',
      rule: 'Zählt fröhliche Wörter (happy, smile, laugh, love, fun, hug, …) und zieht traurige ab (sad, cry, afraid, hurt, …). Mehr ist besser.',
    },
    shorter: {
      title: 'Kürzer',
      rule: 'Weniger Wörter sind besser, gezählt bis 99. Eine Antwort ohne Wort zählt wie 100.',
    },
    mentions_an_animal: {
      title: 'Nennt ein Tier',
      rule: 'Zählt die verschiedenen Tiere, die genannt werden, bis zwei. Mehr ist besser.',
    },
    more_dialogue: {
      title: 'Mehr Dialog',
      rule: 'Zählt die Wörter zwischen doppelten Anführungszeichen, bis 40. Mehr ist besser.',
    },
    no_repetition: {
      title: 'Keine Wiederholung',
      rule: 'Zählt Wörter, die in derselben Antwort schon vorkamen, bis 99. Weniger ist besser. Eine Antwort mit weniger als fünf Wörtern zählt wie 100.',
    },
  },

  metrics: {
    loss: {
      meaning:
        'Was der Optimizer senkt. Pretraining und SFT: Nats je Token am Text, der nachgeahmt werden soll. Reward-Modell und DPO: minus ' +
        'die Log-Wahrscheinlichkeit der Reihenfolge, die die Person einem Paar gab. KTO und ORPO: ihr eigener Loss.',
      healthy:
        'Fällt, erst schnell, dann langsam. Pretraining beginnt nahe dem Logarithmus des Vokabulars (7,6 Nats bei 2048 Tokens), ' +
        'Reward-Modell und DPO bei 0,69 (einer Münze), DPO mit rpo_alpha um so viel mal nll_loss höher.',
      act:
        'Steigt oder springt er: Lernrate senken. Bleibt er von Anfang an flach: sie erhöhen oder die Daten prüfen. Nahe 0 bei wenigen ' +
        'Beispielen: Sie sind auswendig gelernt, früher aufhören.',
    },
    accuracy: {
      meaning: 'Anteil der Paare dieses Batches, die das Reward-Modell wie die Person ordnet; Gleichstand zählt halb.',
      healthy: 'Beginnt nahe 0,5 und steigt auf 0,65 bis 0,95.',
      act: 'Bleibt bei 0,5: zu wenige Rangfolgen oder eine Ordnung ohne Regel. 1,0 bei niedriger eval_accuracy: auswendig gelernt, weniger Epochen nehmen.',
    },
    eval_accuracy: {
      meaning: 'Anteil der zurückgehaltenen Paare, die es wie die Person ordnet: was das Reward-Modell taugt.',
      healthy: '0,65 bis 0,95. Menschen stimmen untereinander bei etwa 0,73 überein; höher kommt ein Modell ihrer Urteile kaum.',
      act: 'Unter 0,6: mehr Prompts ordnen, und nach einer einzigen Regel. PPO nicht auf eine Münze bauen.',
    },
    'objective/scores': {
      meaning:
        'Mittlerer Score, den das Reward-Modell den Antworten gibt, normalisiert und nach der Regel für Antworten ohne Ende. Dafür wird PPO bezahlt.',
      healthy: 'Beginnt nahe 0 und steigt binnen einiger hundert Antworten um 0,5 bis 3.',
      act:
        'Flach: Das Reward-Modell ist schwach oder kl_coef zu hoch. Steigt er schnell und die KL mit: die Antworten lesen, vielleicht haben ' +
        'sie eine Lücke im Reward-Modell gefunden.',
    },
    'objective/gold_score': {
      meaning: 'Score nach der eigenen Regel des simulierten Bewerters, die PPO nie sieht. In der Einheit dieser Regel.',
      healthy: 'Steigt mit objective/scores.',
      act:
        'Fällt er, während objective/scores steigt, ist das Überoptimierung: aufhören, die Leine straffen oder die neuen Antworten ordnen und ' +
        'das Reward-Modell neu trainieren.',
    },
    'objective/kl': {
      meaning: 'Wie weit sich die Policy vom Referenzmodell entfernt hat: KL einer ganzen Antwort in Nats, gemittelt über die Antworten.',
      healthy: '0 beim ersten Schritt, dann 1 bis 10 Nats. Ein wenig unter 0 ist Rauschen der Schätzung.',
      act:
        'Über 10: kl_coef erhöhen oder die Lernrate senken. Deutlich unter 0: Die Antworten stammen aus einer anderen Verteilung als der ' +
        'bewerteten. Bleibt bei 0: Lernrate erhöhen.',
    },
    'completions/mean_length': {
      meaning: 'Mittlere Länge der Antworten in Tokens, das Endtoken mitgezählt.',
      healthy: 'Nahe der Länge der Demonstrationen, außer die Präferenz betrifft die Länge.',
      act: 'Wächst sie mit dem Reward: Das Reward-Modell hält länger für besser. Ein paar kurze Antworten über lange ordnen.',
    },
    'rewards/margins': {
      meaning: 'rewards/chosen minus rewards/rejected.',
      healthy: 'Beginnt bei DPO und KTO bei 0 und steigt; 0,1 bis 2 bei einem beta von 0,1.',
      act: 'Flach: Lernrate erhöhen. Über 5: Die Paare sind auswendig gelernt, weniger Epochen nehmen.',
    },
    'rewards/accuracies': {
      meaning: 'Anteil der Paare dieses Batches, deren bevorzugte Antwort den höheren impliziten Reward hat.',
      healthy: 'Beginnt bei DPO bei 0,5 und steigt auf 0,6 bis 0,95.',
      act: 'Bleibt bei 0,5: Lernrate erhöhen oder die Paare prüfen. Früh bei 1,0: weniger Epochen nehmen.',
    },
    'eval_rewards/accuracies': {
      meaning: 'Derselbe Anteil an zurückgehaltenen Paaren: was die Policy von der Präferenz verstanden hat.',
      healthy: '0,6 bis 0,9; meist etwas unter einem Reward-Modell aus denselben Rangfolgen.',
      act: 'Unter 0,55: mehr Prompts ordnen. Fällt wieder: bei der Epoche aufhören, in der er am höchsten war.',
    },
  },

  options: {
    value_learning_rate: 'Lernrate des Wertmodells. Off: 3e-4, auch für Adapter; 1e-5 für alle Gewichte eines Modells über 20 Mio. Parameter',
    value_init: 'Was das Wertmodell zu Beginn ist: das Reward-Modell (Stiennon et al. 2020) oder die Policy mit Nullen obenauf',
    score_index: 'Token, das den Score bekommt: das Endtoken oder, wie in TRL, das dahinter',
    whiten_rewards: 'Ob Rewards auf Varianz 1 skaliert werden, bevor die Vorteile (advantages) gebildet werden (Ziegler et al. 2019)',
    gae_scope: 'Tokens, über die das Whitening mittelt: die eines Rollouts oder eines Minibatches (Ziegler et al. 2019)',
    whiten_variance: 'Teiler der Varianz beim Whitening: n, oder n - 1 wie in TRL',
    gamma: 'Diskontierung späterer Rewards',
    lambda: 'Abklingen späterer Überraschungen in der Generalized Advantage Estimation',
    cliprange: 'Das Verhältnis zählt nur innerhalb von 1 ± cliprange (Schulman et al. 2017)',
    cliprange_value: 'Ein Wert zählt nur innerhalb von ± cliprange_value um den Wert beim Rollout',
    vf_coef: 'Faktor des Value-Loss',
    target_kl: 'Beendet die Durchgänge über ein Rollout, wenn approx_kl darüber liegt, in Nats',
    ptx_coef: 'Faktor des Loss an Pretraining-Text (PPO-ptx, InstructGPT Gl. 2); 0 schaltet ab',
    ptx_batch_size: 'Zeilen Pretraining-Text in jedem Update von PPO-ptx',
    ptx_context: 'Tokens einer Zeile Pretraining-Text',
    episodes: 'Antworten, die insgesamt geschrieben werden, ein Vielfaches von batch_size',
    batch_size: 'Antworten eines Rollouts',
    learning_rate:
      'Lernrate der Policy. Off: 2.5e-5, mit dem Wertmodell von PPO 4e-5; 1e-4 für Adapter; 1e-6 für alle Gewichte eines Modells über 20 Mio. Parameter',
    max_new_tokens: 'Längste Antwort in Tokens',
    temperature: 'Teilt die Logits, wo immer eine Verteilung gebildet wird: Sampling, Log-Wahrscheinlichkeiten, Referenz. Off: 0,7, bei einem Modell über 20 Mio. Parametern 0,4',
    kl_coef: 'Preis eines Nats KL zur Referenz, in Einheiten des Scores; wo er beginnt, wenn er sich anpasst',
    adaptive_kl: 'Steuert kl_coef, in Nats und Episoden (Ziegler et al. 2019)',
    kl_estimator: 'Schätzer der KL zur Referenz; full ist exakt, über das ganze Vokabular',
    kl_placement: 'Ob die KL Reward kostet oder ein Term des Loss ist; nie beides',
    missing_eos: 'Regel für Antworten, die abgeschnitten wurden',
    num_iterations: 'Durchgänge über jedes Rollout',
    num_mini_batches: 'Schritte des Optimizers in jedem Durchgang; teilt batch_size',
    entropy_coef: 'Faktor der Entropie, die der Loss belohnt; 0 schaltet ab',
    lr_decay: 'Verlauf der Lernraten nach dem Warm-up',
    warmup_ratio: 'Anteil aller Updates, in dem die Lernraten von einem Zehntel auf ihre Höhe steigen',
    adam_beta2: 'Abklingen von Adams zweitem Moment',
    adam_eps: 'Wird zur Wurzel von Adams zweitem Moment addiert',
    max_grad_norm: 'Gradienten werden auf diese Gesamtnorm verkleinert; 0 schaltet ab',
    ema_decay: 'Die gespeicherte Policy ist ein gleitendes Mittel mit diesem Abklingen, unter 1',
    normalize_scores:
      'Ob Scores am ersten Rollout auf Mittel 0 und Varianz 1 gebracht werden, damit kl_coef bei jedem Reward-Modell gleich viel wiegt (Ziegler et al. 2019)',
    ensemble: 'Was mehrere Reward-Modelle zusammen sagen (Coste et al. 2023)',
    gold_labeler: 'Simulierter Bewerter, dessen Score als objective/gold_score protokolliert wird; er trainiert nie',
    lens: 'Ob ein Schritt eine Antwort Token für Token erzählt, zum Hineinschauen',
    seed: 'Seed für Prompts, Rauschen und Minibatches',
    finetuning:
      'Was trainiert wird: alle Gewichte (full), Adapter niedrigen Rangs neben einer eingefrorenen Basis (lora; Hu et al. 2021) oder Adapter ab 20 Mio. Parametern (auto)',
    lora_r: 'Rang der Adapter',
    lora_alpha: 'Adapter werden mit lora_alpha / lora_r skaliert',
    use_rslora: 'Ob sie stattdessen mit lora_alpha / sqrt(lora_r) skaliert werden (Kalajdzievski 2023)',
    lora_target_modules: 'Welche Matrizen sie anpassen, durch Kommas getrennt, etwa q_proj,v_proj; alle der Blöcke, wo keine genannt ist',
    precision: 'Wie die trainierten Zahlen gespeichert werden: bf16 hat den Bereich von f32, f16 mehr Stellen',
    scale_rewards: 'Wodurch der Abstand zum Mittel der Gruppe geteilt wird; none ist Dr. GRPO',
    loss_aggregation: 'Wie Tokens den Loss bilden: sequence_mean wie in der Arbeit selbst, token_mean wie DAPO, fixed_length wie Dr. GRPO',
    k: 'Antworten je Prompt eines Rollouts',
    loss: 'Funktion der Differenz impliziter Rewards; sigmoid ist die der Arbeit selbst',
    label_smoothing: 'Angenommener Anteil verkehrt geordneter Paare; nur sigmoid (Mitchell 2023) und robust',
    rpo_alpha: 'Gewicht der Nachahmung neben dem Loss: der negativen Log-Wahrscheinlichkeit eines Tokens der bevorzugten Antworten (RPO, Pang et al. 2024; dort 1). Off: 0, bei einem Modell über 20 Mio. Parametern 1',
    epochs: 'Durchgänge über die Rangfolgen',
    held_out: 'Anteil der Prompts, die dem Training vorenthalten werden, um die Trefferquote daran zu messen; 0 misst nichts',
    stop_margin: 'Ein Lauf endet nach einem Durchgang, dessen rewards/margins im Mittel darüber liegen: Die Paare sind auswendig gelernt',
    gradient_accumulation_steps: 'Batches, deren Gradienten zu einem Schritt gemittelt werden',
    max_length:
      'Längster Datensatz in Tokens, samt Prompt; eine längere Antwort wird dort abgeschnitten. 0 ist der Kontext des Modells, und was länger ist, wird abgelehnt',
    load_best_model_at_end: 'Ob das Modell die Gewichte des Durchgangs mit dem kleinsten Loss am Zurückgehaltenen behält statt der letzten',
    early_stopping_patience:
      'Durchgänge nacheinander ohne kleineren Loss am Zurückgehaltenen, nach denen ein Lauf endet; 0 geht bis zum Schluss',
    desirable_weight: 'Gewicht einer Antwort, die wahrscheinlicher werden soll',
    undesirable_weight: 'Gewicht einer Antwort, die unwahrscheinlicher werden soll',
    simpo_gamma: 'Abstand, um den der Reward der gewählten Antwort über dem der verworfenen liegen soll; dort etwa die Hälfte von beta',
    ...ofOffline('dpo', 'kto', 'orpo', 'simpo'),
    'dpo.beta': 'Gewicht der KL zur Referenz in dem Ziel, das der Loss löst (Rafailov et al. 2023, Anhang B)',
    'kto.beta': 'Gewicht des Log-Verhältnisses zur Referenz im Wert einer Antwort (Ethayarajh et al. 2024)',
    'orpo.beta': 'Gewicht des Quotenverhältnisses neben der Likelihood der gewählten Antworten: lambda der Arbeit (Hong et al. 2024), beta in TRL',
    'simpo.beta': 'Maßstab des Rewards, der mittleren Log-Wahrscheinlichkeit eines Tokens (Meng et al. 2024 nehmen 2 bis 10)',
    'online_dpo.beta': 'Gewicht der KL zur Referenz in dem Ziel, das der Loss löst (Guo et al. 2024 nehmen 0,1)',
  },

  forms: {
    value_learning_rate: 'off oder eine Zahl',
    target_kl: 'off oder eine Zahl',
    rpo_alpha: 'off oder eine Zahl',
    temperature: 'off oder eine Zahl',
    stop_margin: 'off oder eine Zahl',
    learning_rate: 'off oder eine Zahl',
    adaptive_kl: 'off oder ZIEL:HORIZONT',
    missing_eos: 'off, replace:SCORE oder subtract:ABZUG',
    lr_decay: 'constant, linear oder cosine:BODEN',
    ema_decay: 'off oder eine Zahl',
    ensemble: 'mean, min oder mean_minus_variance:FAKTOR',
  },

  range({ low, high, with_low, with_high }) {
    const above = low === null ? '' : with_low ? `mindestens ${low.toLocaleString('de')}` : `mehr als ${low.toLocaleString('de')}`;
    const below = high === null ? '' : with_high ? `höchstens ${high.toLocaleString('de')}` : `weniger als ${high.toLocaleString('de')}`;
    return above && below ? `${above} und ${below}` : above || below || 'eine Zahl';
  },

  presets: {
    'lm-human-preferences': 'Ziegler et al. 2019 und der Code dazu',
    stiennon: 'Stiennon et al. 2020, Learning to summarize',
    instructgpt: 'Ouyang et al. 2022, InstructGPT',
    nplus: 'Huang et al. 2024, The N+ implementation details',
    trl: 'der PPOTrainer von TRL, bevor er entfernt wurde',
    tab: 'Nudge selbst',
  },

  findings: {
    collapsed: ({ percent, has }) =>
      `Das Modell ist kollabiert: ${has('same_opening') ? `${percent('same_opening')} der Antworten beginnen gleich` : 'Es wiederholt sich'}, und es greift ${percent('prompt_words')} dessen auf, ` +
      `was gefragt war (vorher ${percent('prompt_words_before')}). Einem Bewerter kann das trotzdem gefallen; lies die Antworten.`,
    empty: ({ percent }) => `${percent('empty')} der Antworten sind leer (vorher ${percent('empty_before')}).`,
    refuses: ({ percent }) =>
      `${percent('refusing')} der Antworten lehnen ab, entschuldigen sich oder reden davon, eine KI zu sein, statt zu antworten (vorher ${percent('refusing_before')}).`,
    repeats: ({ percent }) => `${percent('repeating')} der Antworten wiederholen einen Satz (vorher ${percent('repeating_before')}).`,
    worse: ({ percent }) => `Es verliert: In ${percent('win_rate')} [${percent('low')}, ${percent('high')}] der Paare wird es vorgezogen.`,
    kl_too_large: ({ count }) =>
      `Es hat sich ${count('kl')} Nats je Antwort vom Start entfernt; über ${count('limit')} schreibt ein Modell oft nur noch für seinen Bewerter.`,
    same_openings: ({ percent }) =>
      `${percent('same_opening')} der Antworten beginnen mit denselben Wörtern (vorher ${percent('same_opening_before')}).`,
    variety_lost: ({ percent, has }) =>
      has('distinct')
        ? `Die Vielfalt ist verloren: ${percent('distinct')} verschiedene Antworten auf verschiedene Prompts, vorher ${percent('distinct_before')}.`
        : `Die Vielfalt ist verloren: ${percent('distinct_2')} verschiedene Wortpaare, vorher ${percent('distinct_2_before')}.`,
    prompt_forgotten: ({ percent }) =>
      `Die Antworten gehen weniger auf die Frage ein: ${percent('prompt_words')} der Wörter aus den Prompts kommen vor, vorher ${percent('prompt_words_before')}.`,
    length_alone: ({ count, percent }) =>
      `Die Länge allein erklärt, wer gewinnt: ${count('words')} Wörter je Antwort, vorher ${count('words_before')}; die längere von zweien gewinnt ` +
      `in ${percent('longer_wins')} der Paare.`,
    never_ends: ({ percent }) =>
      `Nur ${percent('eos_rate')} der Antworten enden von selbst, vorher ${percent('eos_rate_before')}: Das Modell weiß nicht mehr, wann Schluss ist.`,
    partial_judge: (_, level) =>
      level === 'note'
        ? 'Ein Reward-Modell hat geurteilt. Was ihm gefällt, hat es gelernt; es ist nicht, was dir gefällt.'
        : 'Der Bewerter ist das Reward-Modell, dem zu gefallen dieses Modell getunt wurde: Dass es gewinnt, sagt nichts. Lass einen Menschen ' +
          'urteilen, eine Regel oder ein Reward-Modell aus anderen Rangfolgen.',
    kindred_judge: () =>
      'Der Bewerter hat aus denselben Rangfolgen gelernt wie dieses Modell: Beide teilen ihre Fehler. Lass einen Menschen urteilen oder ein ' +
      'Reward-Modell aus anderen Rangfolgen.',
    undecided: ({ count, percent }) =>
      `Unentschieden: Es gewinnt ${percent('win_rate')} [${percent('low')}, ${percent('high')}] von ${count('pairs')} Paaren, und die Hälfte liegt darin. ` +
      'Mehr Paare würden es zeigen.',
    won: ({ percent }) => `Es gewinnt: In ${percent('win_rate')} [${percent('low')}, ${percent('high')}] der Paare wird es vorgezogen.`,
    diverged: ({ decimal }) =>
      `Das Training ist divergiert: Der Loss begann bei ${decimal('first', 3)} und endete bei ${decimal('end', 3)}. Die Gewichte sind unbrauchbar; nimm ` +
      'eine kleinere Lernrate.',
    wrong_way_round: ({ count, percent }) =>
      `Bei ungesehenen Prompts zieht es die schlechtere Antwort vor: ${percent('accuracy')} [${percent('low')}, ${percent('high')}] von ${count('pairs')} Paaren sind in der Reihenfolge der Rangfolgen.`,
    carries_over: ({ count, percent }) =>
      `Antworten auf ungesehene Prompts ordnet es wie die Rangfolgen: ${percent('accuracy')} [${percent('low')}, ${percent('high')}] von ${count('pairs')} Paaren.`,
    coin: ({ count, percent }) =>
      `Bei ungesehenen Prompts ist es von einer Münze nicht zu unterscheiden: ${percent('accuracy')} [${percent('low')}, ${percent('high')}] von ` +
      `${count('pairs')} Paaren. Ordne mehr Prompts, nach einer einzigen Regel.`,
    known_by_heart: ({ decimal }) =>
      `Die Paare sind auswendig gelernt: ein Abstand von ${decimal('margin', 1)} (gesund: 0,1 bis 2, verdächtig über 5), ein Loss von ${decimal('loss', 4)}. ` +
      'Was es lernte, sind vielleicht diese Antworten und nicht, was dir gefällt.',
    too_few_rankings: ({ count }) =>
      `${count('rankings')} Rangfolgen mit ${count('pairs')} geordneten Paaren sind wenig: Was dabei herauskommt, kann Zufall sein. Ordne 30 oder mehr.`,
    contradictory_rankings: ({ count }) =>
      `Die Rangfolgen widersprechen einander: ${count('circles')} Kreise von Präferenzen (A über B, B über A) bei ${count('prompts')} Prompts.`,
    not_carried_over: ({ percent }) =>
      `Von den Paaren, an denen es lernt, ordnet es ${percent('accuracy')} richtig, von den anderen ${percent('eval_accuracy')}: Es lernt auswendig.`,
    held_out_rises: ({ decimal }, level) =>
      `Der Loss am Zurückgehaltenen stieg von ${decimal('best', 3)} auf ${decimal('last', 3)}; ` +
      `${level === 'note' ? 'die Gewichte des besten Durchgangs wurden behalten' : 'das Modell lernt das übrige auswendig'}.`,
    over_optimised: ({ decimal }) =>
      `Überoptimiert: Der Score des Reward-Modells stieg von ${decimal('score_first')} auf ${decimal('score')}, während der des Bewerters selbst von ${decimal('gold_first')} auf ` +
      `${decimal('gold')} fiel.`,
    length_bias: ({ percent }) =>
      `Das Reward-Modell urteilt nach der Länge: Es hat in ${percent('shorter')} der Paare recht, deren bessere Antwort die kürzere ist, und in ` +
      `${percent('longer')}, wo sie die längere ist.`,
    hardly_moved: ({ decimal }) => `Gelernt wurde kaum etwas: Der Abstand endete bei ${decimal('margin', 3)}. Erhöhe die Lernrate.`,
  },
};

/** The methods that learn from rankings mean their own by some names. */
function ofOffline(...methods: string[]): Record<string, string> {
  const texts = {
    batch_size: 'Rangfolgen eines Schritts; alle Paare einer Rangfolge gehören in denselben (InstructGPT 3.5)',
    learning_rate:
      'Höchste Lernrate. Off: 5e-5, 2e-4 für Adapter, 1e-6 (wie in den Arbeiten, für Milliarden von Parametern) für alle Gewichte eines Modells über 20 Mio. Parameter',
    seed: 'Seed für Reihenfolge und Aufteilung',
    lr_decay: 'Verlauf der Lernrate nach dem Warm-up',
    warmup_ratio: 'Anteil aller Schritte, höchstens 20, in dem die Lernrate von einem Zehntel auf ihre Höhe steigt',
  };
  return Object.fromEntries(methods.flatMap((method) => Object.entries(texts).map(([name, text]) => [`${method}.${name}`, text])));
}
