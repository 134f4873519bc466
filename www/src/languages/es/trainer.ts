// What the trainer says, in Spanish. A test compares the names with those that the trainer declares.

import type { TrainerTexts } from '../trainer';

export const trainer: TrainerTexts = {
  labelers: {
    customer_reply: {
      title: 'Respuestas a clientes',
      rule:
        'Como mucho 60 palabras, un saludo por el nombre, una disculpa donde el cliente se queja y en ningún otro sitio, sin huecos como [Name], ' +
        'sin hablar de ser una máquina; trata de lo que escribió el cliente, con otras palabras y sin repetirse. Puntos sobre diez.',
    },
    three_bullets: {
      title: 'Tres puntos',
      rule:
        'Tres puntos de como mucho 20 palabras y nada más; la mayor parte de lo que dicen las notas y nada que no digan, sin repetirse. Puntos sobre diez.',
    },
    plain_product: {
      title: 'Textos de producto sobrios',
      rule:
        'Sin superlativos ni palabras de publicidad; los datos que se dieron, con otras palabras, y ninguna cifra más; de 20 a 70 palabras, sin ' +
        'repetirse. Puntos sobre diez.',
    },
    happier: {
      title: 'Más alegre',
      rule: 'Cuenta palabras felices (happy, smile, laugh, love, fun, hug, …) y resta las tristes (sad, cry, afraid, hurt, …). Más es mejor.',
    },
    shorter: {
      title: 'Más breve',
      rule: 'Menos palabras es mejor, contadas hasta 99. Una respuesta sin palabras cuenta como 100.',
    },
    mentions_an_animal: {
      title: 'Menciona un animal',
      rule: 'Cuenta los distintos animales que se nombran, hasta dos. Más es mejor.',
    },
    more_dialogue: {
      title: 'Más diálogo',
      rule: 'Cuenta las palabras entre comillas dobles, hasta 40. Más es mejor.',
    },
    no_repetition: {
      title: 'Sin repeticiones',
      rule: 'Cuenta las palabras ya dichas en la misma respuesta, hasta 99. Menos es mejor. Una respuesta de menos de cinco palabras cuenta como 100.',
    },
  },

  metrics: {
    loss: {
      meaning:
        'Lo que el optimizador reduce. Preentrenamiento y SFT: nats por token en el texto que se imita. Modelo de recompensa y DPO: menos la ' +
        'log-probabilidad del orden que la persona dio a un par. KTO y ORPO: su propia pérdida.',
      healthy:
        'Baja, primero deprisa y luego despacio. El preentrenamiento empieza cerca del logaritmo del vocabulario (7,6 nats con 2048 tokens); el ' +
        'modelo de recompensa y DPO, en 0,69 (una moneda); DPO con rpo_alpha, más arriba en ese número por nll_loss.',
      act:
        'Si sube o salta: baja la tasa de aprendizaje. Si es plana desde el principio: súbela o revisa los datos. Cerca de 0 con pocos ejemplos: ' +
        'los sabe de memoria, para antes.',
    },
    accuracy: {
      meaning: 'Parte de los pares de este lote que el modelo de recompensa ordena como la persona; los empates cuentan medio.',
      healthy: 'Empieza cerca de 0,5 y sube a entre 0,65 y 0,95.',
      act: 'Atascada en 0,5: muy pocos rankings, o un orden sin regla. 1,0 con una eval_accuracy baja: se lo sabe de memoria, usa menos épocas.',
    },
    eval_accuracy: {
      meaning: 'Parte de los pares reservados que ordena como la persona: lo que vale el modelo de recompensa.',
      healthy: 'De 0,65 a 0,95. Las personas coinciden entre sí en torno a 0,73, así que un modelo de sus elecciones se queda ahí.',
      act: 'Por debajo de 0,6: ordena más prompts, y con una sola regla. No empieces PPO sobre una moneda.',
    },
    'objective/scores': {
      meaning:
        'Puntuación media que el modelo de recompensa da a las respuestas, normalizada y tras la regla para respuestas sin final. Por esto cobra PPO.',
      healthy: 'Empieza cerca de 0 y sube de 0,5 a 3 en unos cientos de respuestas.',
      act:
        'Plana: el modelo de recompensa es débil o kl_coef demasiado alto. Si sube deprisa y la KL también: lee las respuestas, quizá han ' +
        'encontrado un agujero en el modelo de recompensa.',
    },
    'objective/gold_score': {
      meaning: 'Puntuación según la regla del propio evaluador simulado, que PPO nunca ve. En la unidad de esa regla.',
      healthy: 'Sube con objective/scores.',
      act:
        'Si baja mientras objective/scores sube, es sobreoptimización: para, tensa la correa, u ordena las respuestas nuevas y entrena otra vez el ' +
        'modelo de recompensa.',
    },
    'objective/kl': {
      meaning: 'Cuánto se ha alejado la política del modelo de referencia: KL de una respuesta entera en nats, media de las respuestas.',
      healthy: '0 en el primer paso, luego de 1 a 10 nats. Un poco por debajo de 0 es ruido de la estimación.',
      act:
        'Por encima de 10: sube kl_coef o baja la tasa de aprendizaje. Claramente por debajo de 0: las respuestas vienen de otra distribución que ' +
        'la puntuada. Se queda en 0: sube la tasa de aprendizaje.',
    },
    'completions/mean_length': {
      meaning: 'Longitud media de las respuestas en tokens, contando el token final.',
      healthy: 'Cerca de la longitud de las demostraciones, salvo que la preferencia sea sobre la longitud.',
      act: 'Si crece con la recompensa: el modelo de recompensa toma lo largo por mejor. Ordena algunas respuestas cortas por encima de largas.',
    },
    'rewards/margins': {
      meaning: 'rewards/chosen menos rewards/rejected.',
      healthy: 'En DPO y KTO empieza en 0 y sube; de 0,1 a 2 con una beta de 0,1.',
      act: 'Plano: sube la tasa de aprendizaje. Por encima de 5: los pares se saben de memoria, usa menos épocas.',
    },
    'rewards/accuracies': {
      meaning: 'Parte de los pares de este lote cuya respuesta preferida tiene la recompensa implícita más alta.',
      healthy: 'En DPO empieza en 0,5 y sube a entre 0,6 y 0,95.',
      act: 'Atascada en 0,5: sube la tasa de aprendizaje o revisa los pares. Pronto en 1,0: usa menos épocas.',
    },
    'eval_rewards/accuracies': {
      meaning: 'Lo mismo en pares reservados: lo que la política ha entendido de la preferencia.',
      healthy: 'De 0,6 a 0,9; suele quedar algo por debajo de un modelo de recompensa entrenado con los mismos rankings.',
      act: 'Por debajo de 0,55: ordena más prompts. Si vuelve a bajar: para en la época en que fue más alta.',
    },
  },

  options: {
    value_learning_rate: 'Tasa de aprendizaje del modelo de valor. Off: 3e-4, también con adaptadores; 1e-5 para todos los pesos de un modelo de más de 20 M de parámetros',
    value_init: 'Qué es el modelo de valor al principio: el modelo de recompensa (Stiennon et al. 2020), o la política con ceros encima',
    score_index: 'Token que recibe la puntuación: el token final o, como en TRL, el que va detrás',
    whiten_rewards: 'Si las recompensas se escalan a varianza 1 antes de formar las ventajas (Ziegler et al. 2019)',
    gae_scope: 'Tokens sobre los que promedia el blanqueado (whitening): los de un rollout o los de un minilote (Ziegler et al. 2019)',
    whiten_variance: 'Divisor de la varianza en el blanqueado: n, o n - 1 como en TRL',
    gamma: 'Descuento de las recompensas posteriores',
    lambda: 'Decaimiento de las sorpresas posteriores en la estimación generalizada de la ventaja (GAE)',
    cliprange: 'La razón solo cuenta dentro de 1 ± cliprange (Schulman et al. 2017)',
    cliprange_value: 'Un valor solo cuenta dentro de ± cliprange_value respecto al que tenía en el rollout',
    vf_coef: 'Factor de la pérdida de valor',
    target_kl: 'Termina las pasadas sobre un rollout cuando approx_kl lo supera, en nats',
    ptx_coef: 'Factor de la pérdida en texto de preentrenamiento (PPO-ptx, InstructGPT ec. 2); 0 lo apaga',
    ptx_batch_size: 'Filas de texto de preentrenamiento en cada actualización de PPO-ptx',
    ptx_context: 'Tokens de una fila de texto de preentrenamiento',
    episodes: 'Respuestas que se escriben en total, un múltiplo de batch_size',
    batch_size: 'Respuestas de un rollout',
    learning_rate:
      'Tasa de aprendizaje de la política. Off: 2.5e-5, con el modelo de valor de PPO 4e-5; 1e-4 con adaptadores; 1e-6 para todos los pesos de un modelo de más de 20 M de parámetros',
    max_new_tokens: 'Respuesta más larga en tokens',
    temperature: 'Divide los logits allí donde se forma una distribución: muestreo, log-probabilidades, referencia. Off: 0,7, con un modelo de más de 20 M de parámetros 0,4',
    kl_coef: 'Precio de un nat de KL respecto a la referencia, en unidades de puntuación; desde dónde empieza si se adapta',
    adaptive_kl: 'Gobierna kl_coef, en nats y episodios (Ziegler et al. 2019)',
    kl_estimator: 'Estimador de la KL respecto a la referencia; full es exacto, sobre todo el vocabulario',
    kl_placement: 'Si la KL cuesta recompensa o es un término de la pérdida; nunca ambas cosas',
    missing_eos: 'Regla para las respuestas que quedaron cortadas',
    num_iterations: 'Pasadas sobre cada rollout',
    num_mini_batches: 'Pasos del optimizador en cada pasada; divide a batch_size',
    entropy_coef: 'Factor de la entropía que la pérdida premia; 0 lo apaga',
    lr_decay: 'Curso de las tasas de aprendizaje tras el calentamiento',
    warmup_ratio: 'Parte de todas las actualizaciones en que las tasas de aprendizaje suben de una décima hasta su máximo',
    adam_beta2: 'Decaimiento del segundo momento de Adam',
    adam_eps: 'Se suma a la raíz del segundo momento de Adam',
    max_grad_norm: 'Los gradientes se reducen hasta esta norma global; 0 lo apaga',
    ema_decay: 'La política guardada es una media móvil con este decaimiento, por debajo de 1',
    normalize_scores:
      'Si las puntuaciones se llevan a media 0 y varianza 1 en el primer rollout, para que kl_coef pese igual con cualquier modelo de recompensa (Ziegler et al. 2019)',
    ensemble: 'Lo que dicen juntos varios modelos de recompensa (Coste et al. 2023)',
    gold_labeler: 'Evaluador simulado cuya puntuación se registra como objective/gold_score; nunca entrena',
    lens: 'Si un paso cuenta una respuesta token a token, para mirar dentro',
    seed: 'Semilla de prompts, ruido y minilotes',
    finetuning:
      'Qué se entrena: todos los pesos (full), adaptadores de rango bajo junto a una base congelada (lora; Hu et al. 2021), o adaptadores desde 20 M de parámetros (auto)',
    lora_r: 'Rango de los adaptadores',
    lora_alpha: 'Los adaptadores se escalan por lora_alpha / lora_r',
    use_rslora: 'Si en su lugar se escalan por lora_alpha / sqrt(lora_r) (Kalajdzievski 2023)',
    lora_target_modules: 'Qué matrices adaptan, separadas por comas, como q_proj,v_proj; todas las de los bloques si no se nombra ninguna',
    precision: 'Cómo se guardan los números entrenados: bf16 tiene el rango de f32, f16 más cifras',
    scale_rewards: 'Por qué se divide la diferencia con la media del grupo; none es Dr. GRPO',
    loss_aggregation: 'Cómo forman los tokens la pérdida: sequence_mean es la del artículo, token_mean la de DAPO, fixed_length la de Dr. GRPO',
    k: 'Respuestas por prompt de un rollout',
    loss: 'Función de la diferencia de recompensas implícitas; sigmoid es la del artículo',
    label_smoothing: 'Parte supuesta de pares ordenados al revés; solo sigmoid (Mitchell 2023) y robust',
    rpo_alpha: 'Peso de la imitación junto a la pérdida: la log-probabilidad negativa de un token de las respuestas preferidas (RPO, Pang et al. 2024; allí 1). Off: 0, con un modelo de más de 20 M de parámetros 1',
    epochs: 'Pasadas sobre los rankings',
    held_out: 'Parte de los prompts que se reserva del entrenamiento para medir los aciertos; 0 no mide nada',
    stop_margin: 'La ejecución termina tras una pasada cuyos rewards/margins lo superan de media: los pares se saben de memoria',
    gradient_accumulation_steps: 'Lotes cuyos gradientes se promedian en un solo paso',
    max_length:
      'Registro más largo en tokens, con su prompt; una respuesta más larga se corta ahí. 0 es el contexto del modelo, y lo que lo supere se rechaza',
    load_best_model_at_end: 'Si el modelo se queda con los pesos de la pasada de menor pérdida en lo reservado, en vez de los últimos',
    early_stopping_patience: 'Pasadas seguidas sin menor pérdida en lo reservado tras las que la ejecución termina; 0 sigue hasta el final',
    desirable_weight: 'Peso de una respuesta que debería ser más probable',
    undesirable_weight: 'Peso de una respuesta que debería ser menos probable',
    simpo_gamma: 'Margen que la recompensa de la respuesta elegida debe sacar a la de la rechazada; allí cerca de la mitad de beta',
    ...ofOffline('dpo', 'kto', 'orpo', 'simpo'),
    'dpo.beta': 'Peso de la KL respecto a la referencia en el objetivo que la pérdida resuelve (Rafailov et al. 2023, apéndice B)',
    'kto.beta': 'Peso de la log-razón respecto a la referencia en el valor de una respuesta (Ethayarajh et al. 2024)',
    'orpo.beta': 'Peso de la razón de momios junto a la verosimilitud de las respuestas elegidas: lambda en el artículo (Hong et al. 2024), beta en TRL',
    'simpo.beta': 'Escala de la recompensa, la log-probabilidad media de un token (Meng et al. 2024 toman de 2 a 10)',
    'online_dpo.beta': 'Peso de la KL respecto a la referencia en el objetivo que la pérdida resuelve (Guo et al. 2024 toman 0,1)',
  },

  forms: {
    value_learning_rate: 'off, o un número',
    target_kl: 'off, o un número',
    rpo_alpha: 'off, o un número',
    temperature: 'off, o un número',
    stop_margin: 'off, o un número',
    learning_rate: 'off, o un número',
    adaptive_kl: 'off, o OBJETIVO:HORIZONTE',
    missing_eos: 'off, replace:PUNTUACIÓN o subtract:CASTIGO',
    lr_decay: 'constant, linear o cosine:SUELO',
    ema_decay: 'off, o un número',
    ensemble: 'mean, min o mean_minus_variance:FACTOR',
  },

  range({ low, high, with_low, with_high }) {
    const above = low === null ? '' : with_low ? `al menos ${low.toLocaleString('es')}` : `más de ${low.toLocaleString('es')}`;
    const below = high === null ? '' : with_high ? `como mucho ${high.toLocaleString('es')}` : `menos de ${high.toLocaleString('es')}`;
    return above && below ? `${above} y ${below}` : above || below || 'un número';
  },

  presets: {
    'lm-human-preferences': 'Ziegler et al. 2019 y su código',
    stiennon: 'Stiennon et al. 2020, Learning to summarize',
    instructgpt: 'Ouyang et al. 2022, InstructGPT',
    nplus: 'Huang et al. 2024, The N+ implementation details',
    trl: 'el PPOTrainer de TRL antes de su retirada',
    tab: 'Nudge mismo',
  },

  findings: {
    collapsed: ({ percent, has }) =>
      `El modelo ha colapsado: ${has('same_opening') ? `el ${percent('same_opening')} de las respuestas empieza igual` : 'se repite'}, y recoge el ${percent('prompt_words')} de lo que se pedía ` +
      `(antes el ${percent('prompt_words_before')}). A un juez le puede gustar igual; lee las respuestas.`,
    empty: ({ percent }) => `El ${percent('empty')} de las respuestas está vacío (antes el ${percent('empty_before')}).`,
    refuses: ({ percent }) =>
      `El ${percent('refusing')} de las respuestas se niega, se disculpa o habla de ser una IA en vez de responder (antes el ${percent('refusing_before')}).`,
    repeats: ({ percent }) => `El ${percent('repeating')} de las respuestas repite una frase (antes el ${percent('repeating_before')}).`,
    worse: ({ percent }) => `Pierde: se lo prefiere en el ${percent('win_rate')} [${percent('low')}, ${percent('high')}] de los pares.`,
    kl_too_large: ({ count }) =>
      `Se ha alejado ${count('kl')} nats por respuesta de donde empezó; por encima de ${count('limit')} un modelo a menudo escribe ya solo para su juez.`,
    same_openings: ({ percent }) =>
      `El ${percent('same_opening')} de las respuestas empieza con las mismas palabras (antes el ${percent('same_opening_before')}).`,
    variety_lost: ({ percent, has }) =>
      has('distinct')
        ? `Se ha perdido variedad: un ${percent('distinct')} de respuestas distintas a prompts distintos, antes un ${percent('distinct_before')}.`
        : `Se ha perdido variedad: un ${percent('distinct_2')} de pares de palabras distintos, antes un ${percent('distinct_2_before')}.`,
    prompt_forgotten: ({ percent }) =>
      `Las respuestas hablan menos de lo que se pedía: aparece el ${percent('prompt_words')} de las palabras de los prompts, antes el ${percent('prompt_words_before')}.`,
    length_alone: ({ count, percent }) =>
      `La longitud por sí sola explica quién gana: ${count('words')} palabras por respuesta, antes ${count('words_before')}; la más larga de dos gana en ` +
      `el ${percent('longer_wins')} de los pares.`,
    never_ends: ({ percent }) =>
      `Solo el ${percent('eos_rate')} de las respuestas acaba por sí mismo, antes el ${percent('eos_rate_before')}: el modelo ya no sabe cuándo parar.`,
    partial_judge: (_, level) =>
      level === 'note'
        ? 'Ha juzgado un modelo de recompensa. Lo que le gusta es lo que ha aprendido, no lo que te gusta a ti.'
        : 'El juez es el modelo de recompensa al que este modelo aprendió a gustar: que gane no dice nada. Que juzgue una persona, una regla o un ' +
          'modelo de recompensa de otros rankings.',
    kindred_judge: () =>
      'El juez aprendió de los mismos rankings que este modelo: ambos comparten errores. Que juzgue una persona o un modelo de recompensa de ' +
      'otros rankings.',
    undecided: ({ count, percent }) =>
      `Sin decidir: gana en el ${percent('win_rate')} [${percent('low')}, ${percent('high')}] de ${count('pairs')} pares, y la mitad cae dentro. Con más ` +
      'pares se sabría.',
    won: ({ percent }) => `Gana: se lo prefiere en el ${percent('win_rate')} [${percent('low')}, ${percent('high')}] de los pares.`,
    diverged: ({ decimal }) =>
      `El entrenamiento ha divergido: la pérdida empezó en ${decimal('first', 3)} y acabó en ${decimal('end', 3)}. Los pesos no sirven; usa una tasa de ` +
      'aprendizaje menor.',
    wrong_way_round: ({ count, percent }) =>
      `Con prompts que no ha visto prefiere la peor respuesta: el ${percent('accuracy')} [${percent('low')}, ${percent('high')}] de ${count('pairs')} pares en el orden de los rankings.`,
    carries_over: ({ count, percent }) =>
      `Ordena como los rankings las respuestas a prompts que no ha visto: el ${percent('accuracy')} [${percent('low')}, ${percent('high')}] de ${count('pairs')} pares.`,
    coin: ({ count, percent }) =>
      `Con prompts que no ha visto no se distingue de una moneda: el ${percent('accuracy')} [${percent('low')}, ${percent('high')}] de ${count('pairs')} ` +
      'pares. Ordena más prompts, con una sola regla.',
    known_by_heart: ({ decimal }) =>
      `Los pares se saben de memoria: un margen de ${decimal('margin', 1)} (sano: de 0,1 a 2; sospechoso por encima de 5) y una pérdida de ` +
      `${decimal('loss', 4)}. Quizá ha aprendido estas respuestas y no lo que te gusta.`,
    too_few_rankings: ({ count }) =>
      `${count('rankings')} rankings con ${count('pairs')} pares ordenados son pocos: lo que salga puede ser azar. Ordena 30 o más.`,
    contradictory_rankings: ({ count }) =>
      `Los rankings se contradicen: ${count('circles')} círculos de preferencias (A sobre B, B sobre A) en ${count('prompts')} prompts.`,
    not_carried_over: ({ percent }) =>
      `Ordena bien el ${percent('accuracy')} de los pares de los que aprende y el ${percent('eval_accuracy')} de los demás: aprende de memoria.`,
    held_out_rises: ({ decimal }, level) =>
      `La pérdida en lo reservado subió de ${decimal('best', 3)} a ${decimal('last', 3)}; ` +
      `${level === 'note' ? 'se han conservado los pesos de la mejor pasada' : 'el modelo aprende lo demás de memoria'}.`,
    over_optimised: ({ decimal }) =>
      `Sobreoptimizado: la puntuación del modelo de recompensa subió de ${decimal('score_first')} a ${decimal('score')} mientras la del propio evaluador bajó de ` +
      `${decimal('gold_first')} a ${decimal('gold')}.`,
    length_bias: ({ percent }) =>
      `El modelo de recompensa juzga por la longitud: acierta en el ${percent('shorter')} de los pares cuya mejor respuesta es la más corta y en el ` +
      `${percent('longer')} de aquellos en que es la más larga.`,
    hardly_moved: ({ decimal }) => `Apenas se ha aprendido nada: el margen acabó en ${decimal('margin', 3)}. Sube la tasa de aprendizaje.`,
  },
};

/** The methods that learn from rankings mean their own by some names. */
function ofOffline(...methods: string[]): Record<string, string> {
  const texts = {
    batch_size: 'Rankings de un paso; todos los pares de un ranking van en el mismo (InstructGPT 3.5)',
    learning_rate:
      'Tasa de aprendizaje máxima. Off: 5e-5, 2e-4 con adaptadores, 1e-6 (la de los artículos, para miles de millones de parámetros) para todos los pesos de un modelo de más de 20 M de parámetros',
    seed: 'Semilla del orden y de la división',
    lr_decay: 'Curso de la tasa de aprendizaje tras el calentamiento',
    warmup_ratio: 'Parte de todos los pasos, 20 como mucho, en que la tasa de aprendizaje sube de una décima hasta su máximo',
  };
  return Object.fromEntries(methods.flatMap((method) => Object.entries(texts).map(([name, text]) => [`${method}.${name}`, text])));
}
