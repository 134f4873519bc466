import type { t as english } from '../../lib/strings';
import { count } from '../../lib/format';
import { sizes } from '../../lib/settings';
import { plural } from '../plural';
import type { Translation } from '../texts';
import { ofAddresses } from './address-strings';
import { files, opening } from './opening-strings';
import { ofWorkflows } from './workflow-strings';

const rankings = { one: 'ranking', other: 'rankings' };

export const t: Translation<typeof english> = {
  title: 'Nudge',
  tagline: 'Enseña a un pequeño modelo de lenguaje lo que te gusta.',
  intro:
    'Tú ordenas sus respuestas. Un modelo de recompensa aprende tu gusto. El aprendizaje por refuerzo empuja luego al modelo de lenguaje ' +
    'hacia lo que prefieres, y una prueba a ciegas muestra si ha funcionado. Es la receta de InstructGPT, tan pequeña que cabe en esta ' +
    'pestaña. El modelo incluido solo sabe inglés: lo que escribe y lo que se le pide sigue en inglés.',
  privacy: 'Todo ocurre en esta pestaña. Nada sale de ella.',
  start: 'Empezar con el modelo incluido',
  startHint: 'Carga un modelo y va directo a ordenar.',
  startOwn: (name) => `Empezar con ${name}`,
  startOwnHint: 'Va directo a ordenar.',
  starting: 'Cargando…',
  skipToContent: 'Saltar a los pasos',
  stepsLabel: 'Los seis pasos',
  lessons: 'Lecciones',
  language: 'Idioma',

  states: { locked: 'bloqueado', open: 'listo', active: 'en marcha', done: 'hecho', doubt: 'hecho, con una duda' },

  files: {
    missing: (url) => `${url} no está en este servidor.`,
    notJson: (line) => `La línea ${line} no es JSON. Cada línea debe contener un objeto JSON.`,
    ...files,
    beside: 'No se ha abierto nada. Suelta el archivo sobre el botón o el campo al que corresponde.',
    refused: 'El navegador no quiso guardar esto. Puede que le falte espacio o que la ventana sea privada.',
    deleted: 'Los datos se han borrado.',
  },

  stages: {
    pretrain: 'preentrenamiento',
    sft: 'ajuste con instrucciones',
    sample: 'muestreo',
    rank: 'ordenación',
    reward: 'entrenamiento de la recompensa',
    tune: 'ajuste',
    best_of: 'best-of-n',
    compare: 'comparación',
    score: 'puntuación',
    calibrate: 'calibración',
    review: 'repaso de tus rankings',
    eval: 'medición',
  },
  busy: (stage) => `El dispositivo está ocupado (${t.stages[stage]}). Espera a que acabe o ponlo antes en pausa.`,

  model: {
    heading: 'Qué modelo',
    builtIn: 'Modelo de cuentos incluido',
    builtInIs: '2,2 M de parámetros, 4 MB, hecho para esta página. Cuenta pequeñas historias en inglés; todo el recorrido dura minutos.',
    parameters: (parameters, context) => `${parameters} parámetros, lee ${context} tokens`,
    change: { story: 'Traer un asistente de verdad', own: 'Cambiar de modelo' },
    close: 'Cerrar',
    intro:
      'Enseña a un asistente de verdad con tu propio trabajo. Se lee aquí, en esta pestaña; ni el modelo ni nada de lo que escribas sale de ' +
      'ella. Solo se entrenan pequeños adaptadores a su lado, que puedes llevarte a casa.',
    take: 'Tomarlo',
    back: 'Volver a él',
    inUse: 'en uso',
    servedIs: (size) => `${size} desde este sitio, una vez. Después queda en este navegador.`,
    disk: 'De tu disco',
    diskIs: 'Un archivo .gguf de llama.cpp (si está partido, todas las partes a la vez), la carpeta de un modelo o su zip: Llama, Mistral, Qwen 2 y 3, SmolLM2 y 3, Gemma 3. Puedes soltarlo aquí.',
    file: 'Elegir un archivo',
    folder: 'Elegir una carpeta',
    keptIs: (size) => `${size}, guardado en este dispositivo.`,
    apart: 'Cada modelo tiene su propio flujo de trabajo: los rankings y adaptadores de uno nunca se mezclan con los de otro.',
    notKept: 'Este navegador no ha guardado el modelo. Funciona hasta que se cierre la pestaña; los rankings y adaptadores sí se guardan.',
  },

  opening: {
    ...opening,
    refused: (name, reason) => `No se ha podido abrir ${name}: ${reason.replace(/\.$/, '')}. No ha cambiado nada.`,
    otherBytes: (name) => `${name} llegó con otros bytes de los que anuncia este sitio`,
    adapter: 'es un adaptador. Abre antes su modelo base y luego el adaptador al pie de la página',
    reward: 'es un modelo de recompensa. Ábrelo al pie de la página',
    fetching: (loaded, total) => `Trayendo ${loaded} de ${total}…`,
    reading: 'Leyéndolo y comprobándolo…',
    probing: 'Midiendo lo rápido que es aquí…',
    keeping: 'Guardándolo en este dispositivo…',
    needs: (answering, training) => ` Necesita unos ${answering} de memoria para responder y ${training} para entrenar.`,
  },

  outlook: {
    memory: (answering, training) => `Unos ${answering} de memoria para responder y ${training} para entrenar.`,
    room: (room) => ` Este dispositivo parece tener ${room} para ello.`,
    time: (answer, step, whole) =>
      ` Una respuesta tarda aquí unos ${answer}, un paso del ajuste ${step} y el recorrido entero ${whole}, sin contar tu tiempo.`,
    lacks: { memory: 'Es más memoria de la que este dispositivo parece tener.', time: 'Eso es lento.' },
    smaller: 'Un modelo más pequeño, por ejemplo de 135 M de parámetros, o el mismo con menos bits, necesita menos.',
    take: 'Tomarlo de todos modos',
    leave: 'Dejarlo',
    left: 'lo has dejado',
  },

  talk: {
    open: 'Hablar con él',
    title: 'Hablar con él',
    about: 'La misma pregunta al modelo de antes y al de después. No se guarda nada.',
    label: 'Tu mensaje',
    send: 'Preguntar',
    writing: 'Escribiendo…',
    none: 'Las respuestas aparecen aquí, una al lado de otra.',
    noTuned: 'Aún no hay modelo ajustado: este es el de partida.',
    close: 'Cerrar',
    sides: ['Uno', 'El otro'],
    strength: (strength) =>
      `Fuerza del adaptador: ${strength === 0 ? 'ninguna' : strength === 1 ? 'como se entrenó' : `${strength.toLocaleString('es')} veces`}`,
    fixed: (prompts) => `Preguntar ${plural(prompts, { one: 'prompt reservado', other: 'prompts reservados' })}`,
  },

  prompts: {
    title: 'Prompts',
    summary: (name, train, heldOut) => `Prompts: ${name}, ${train} para aprender y ${heldOut} reservados para el paso 6`,
    starter: 'juego inicial',
    own: 'Traer los míos',
    paste: 'Pega prompts o suelta aquí un archivo: texto, CSV o JSONL',
    pasted: 'pegados',
    file: 'Elegir un archivo',
    task: 'Encargo tras cada uno (opcional)',
    taskExample: 'Escribe nuestra respuesta a este cliente.',
    column: 'El prompt es la columna',
    cut: 'Cada prompt es',
    cuts: { lines: 'una línea', paragraphs: 'un párrafo, hasta una línea en blanco', rules: 'lo que hay entre líneas de ---' },
    first: 'El primero de ellos',
    found: (found) => `${plural(found, { one: 'prompt encontrado', other: 'prompts encontrados' })}.`,
    leftOut: (left, reason) => ` ${plural(left, { one: 'omitido', other: 'omitidos' })} (${reason}).`,
    few: 'Hacen falta al menos ocho para poder reservar algunos.',
    use: (prompts) => `Usar estos ${count(prompts)} prompts`,
    used: (train, heldOut) => `Desde ahora se preguntan ${train} prompts; ${heldOut} quedan reservados para el paso 6.`,
    drop: 'Volver al juego inicial',
    length: 'Respuesta más larga',
    lengths: (tokens) => `${count(tokens)} tokens, unas ${count(tokens * 0.75)} palabras`,
  },

  theme: { label: 'Colores', auto: 'Auto', light: 'Claro', dark: 'Oscuro' },

  models: {
    base: 'Base',
    sft: 'Instruct',
    reward: 'Recompensa',
    policy: 'Ajustado',
    asItCame: 'Como vino',
    parameters: 'parámetros',
  },

  methods: {
    ppo: {
      name: 'PPO',
      does: 'Un modelo de valor adivina cómo acabará cada respuesta, y las palabras que salen mejor de lo previsto se vuelven más probables.',
    },
    grpo: {
      name: 'GRPO',
      does: 'Escribe ocho respuestas a cada petición y mide cada una con el grupo entero, así que ningún modelo de valor tiene que adivinar.',
    },
    rloo: {
      name: 'RLOO',
      does: 'Escribe cuatro respuestas a cada petición y mide cada una con la media de las otras tres.',
    },
    reinforce: {
      name: 'REINFORCE',
      does: 'El más antiguo y sencillo: mide cada respuesta con la media de todas las recompensas anteriores.',
    },
    dpo: {
      name: 'DPO',
      does: 'Hace más probable la mejor respuesta de cada par y menos la peor, medido desde el paso 2.',
    },
    kto: {
      name: 'KTO',
      does: 'Toma cada respuesta por sí sola como buena o mala y hace más probables las buenas, medido desde el paso 2.',
    },
    orpo: {
      name: 'ORPO',
      does: 'Imita las mejores respuestas y a la vez desfavorece las peores, sin mirar atrás al paso 2.',
    },
    simpo: {
      name: 'SimPO',
      does: 'Hace más probable, palabra por palabra y con un margen, la mejor respuesta de cada par, sin mirar atrás al paso 2.',
    },
    online_dpo: {
      name: 'DPO en línea',
      does: 'Escribe dos respuestas a cada petición, deja elegir al modelo de recompensa y aprende de ese par como DPO.',
    },
    raft: {
      name: 'RAFT',
      does: 'Escribe varias respuestas a cada petición, deja que el modelo de recompensa elija la mejor y la imita: lo mejor de n, aprendido una vez.',
    },
    best_of: {
      name: `La mejor de ${sizes.bestOf}`,
      does: `No se entrena nada: en el paso 6 el modelo Instruct escribe ${sizes.bestOf} respuestas y el modelo de recompensa elige una.`,
    },
  },

  metrics: {
    loss: 'pérdida',
    accuracy: 'aciertos en el entrenamiento',
    eval_accuracy: 'aciertos en pares reservados',
    'objective/scores': 'recompensa',
    'objective/gold_score': 'puntuación del propio evaluador',
    'objective/kl': 'KL',
    'completions/mean_length': 'longitud de las respuestas',
    'rewards/margins': 'margen',
    'rewards/accuracies': 'aciertos en el entrenamiento',
    'eval_rewards/accuracies': 'aciertos en pares reservados',
  },
  help: {
    about: (label) => `Qué significa «${label}»`,
    healthy: 'Sano:',
    act: 'Si no:',
  },

  device: {
    label: 'Dispositivo',
    choices: { auto: 'Auto', webgpu: 'WebGPU', cpu: 'CPU' },
    starting: 'Iniciando el entrenador…',
    loading: (loaded, total) => (total ? `Cargando el entrenador: ${loaded} de ${total}` : `Cargando el entrenador: ${loaded}`),
    preparing: (gpu) => `Preparando WebGPU${gpu && ` (${gpu})`}: compilando sus programas y comparándolos con la CPU…`,
    runsOn: (name) => `Funciona con ${name}`,
    reasons: {
      chosen: 'como has elegido',
      found: 'encontrado y probado',
      no_webgpu: 'este navegador no tiene WebGPU',
      no_adapter: 'el navegador no ofrece ninguna GPU',
      fallback_adapter: 'la única GPU disponible es emulada y más lenta que la CPU',
      no_timestamp_query: 'la GPU no sabe dar marcas de tiempo',
      self_check_failed: 'la GPU no calculó lo mismo que la CPU',
      create_failed: 'la GPU no se pudo iniciar',
      crashed: 'la GPU dejó de funcionar',
      restarted: 'dejó de funcionar y se inició de nuevo',
    },
    passed: (checks) => plural(checks, { one: 'prueba superada', other: 'pruebas superadas' }),
    check: { webgpu: 'Prueba de la GPU', cpu: 'Prueba de la CPU' },
    checkAll: 'Hacer todas las pruebas',
    checking: 'Probando…',
    columns: { name: 'Prueba', value: 'Desvío', limit: 'Como mucho' },
    notANumber: 'no es un número',
    changed: 'Se ha cambiado el dispositivo.',
    losses: {
      trap: 'el entrenador se interrumpió en medio de un cálculo',
      gpu: 'se perdió la GPU',
      memory: 'la memoria de esta pestaña se llenó',
      silence: 'el dispositivo no respondió',
      load: 'el entrenador no se pudo cargar',
    },
    detail: (words) => `: ${words}`,
    fellBack: (message) =>
      `El entrenador se detuvo (${message}). Se ha iniciado de nuevo en la CPU con tus modelos. Tus rankings están a salvo; un entrenamiento sigue desde su último punto de control.`,
    silent: 'El entrenador lleva cuatro minutos sin responder.',
    useCpu: 'Iniciarlo de nuevo en la CPU',
    failed: (message) => `No se ha podido iniciar el entrenador: ${message}`,
  },

  needs: {
    trainer: 'El entrenador no está en marcha; mira arriba en la página.',
    base: 'Espera al modelo base.',
    sft: 'Necesita un modelo Instruct: toma o entrena uno en el paso 2.',
    rankings: (needed, have) => `Necesita al menos ${needed} rankings del paso 3; hay ${have}.`,
    reward: 'Necesita un modelo de recompensa: entrena uno en el paso 4.',
    policy: 'Necesita un modelo ajustado: entrena uno en el paso 5 o abre un zip más abajo.',
  },

  run: {
    pause: 'Pausa',
    pausing: 'En pausa tras este paso…',
    continue: 'Seguir entrenando',
    stop: 'Detener',
    discard: 'Descartar',
    step: (step, total) => `Paso ${step} de ${total}`,
    left: (time) => `quedan unos ${time}`,
    savedAt: (step) => `punto de control en el paso ${step}`,
    pausedAt: (step, total) => `En pausa en el paso ${step} de ${total}. El punto de control está guardado en este navegador.`,
    pausedBefore: 'Interrumpido antes del primer punto de control. Los ajustes están guardados en este navegador; empieza de nuevo.',
    first: (time) => `el primer paso está en marcha desde hace ${time}`,
    heldAt: (step, total) => `En pausa en el paso ${step} de ${total}. El punto de control no se pudo guardar: está en la memoria de esta pestaña y se pierde cuando la cierres.`,
    checkpointBroken: (reason) => `El último punto de control no sirve (${reason}); se usa el anterior.`,
    awake: 'Mantener la pantalla encendida mientras entrena',
    stopped: 'Detenido. No ha cambiado nada.',
    outdated: (stage, step, total) =>
      `Una ejecución sin terminar (${stage}, paso ${step} de ${total}) es de una versión anterior de esta página y no se puede continuar con esta. Empiézala de nuevo.`,
    progress: 'Progreso',
    announce: (name, quarter) => `${name}: ${quarter * 25} % hecho`,
  },

  base: {
    title: 'Base',
    heading: 'Un modelo que solo continúa textos',
    text:
      'Este modelo ha leído cuentos infantiles en inglés y poco más. Aprendió una cosa: qué palabra viene después. Hazle una pregunta y no ' +
      'responderá; seguirá escribiendo, como si tu pregunta fuera la primera línea de un cuento.',
    button: 'Continuar mi texto',
    working: 'Escribiendo…',
    promptLabel: 'Un comienzo, en inglés',
    prompt: 'Once upon a time, a little fox found a key.',
    metric: 'parámetros, cada uno un número fijado por el entrenamiento',
    chart: 'Pérdida durante su entrenamiento',
    noChart: 'Este modelo vino sin el registro de su entrenamiento.',
    fetching: (loaded, total) => `Trayendo el modelo: ${loaded}${total ? ` de ${total}` : ''}`,
    missing: 'El modelo incluido no está en este servidor. Pon uno en model/base, o abre un modelo en zip al pie de la página.',
    empty: 'Aquí aparece la continuación, palabra por palabra.',
    assistant: {
      heading: 'Un asistente, tal como vino',
      text: (name) =>
        `${name} ha leído buena parte de internet y le enseñaron a responder. No te conoce a ti ni el trabajo que quieres que haga. ` +
        'Pregúntale algo para ver de dónde partes.',
      button: 'Preguntarle',
      promptLabel: 'Tu mensaje',
      empty: 'Aquí aparece su respuesta, palabra por palabra.',
    },
    own: {
      heading: 'Un modelo que solo continúa textos',
      text: (name) =>
        `${name} no tiene plantilla de chat: sigue escribiendo donde acaba tu texto. El paso 2 lo convierte en asistente, con ejemplos tuyos.`,
    },
  },

  instruct: {
    title: 'Instruct',
    heading: 'El mismo modelo aprende a responder',
    text:
      'Ahora se le muestran ejemplos: una petición y una buena respuesta. Entrenar con ellos (supervised fine-tuning, SFT) convierte un ' +
      'modelo que continúa en uno que responde. Copia el estilo de los ejemplos. Aún no sabe qué prefieres tú.',
    take: 'Tomar el modelo Instruct incluido',
    train: 'Entrenarlo aquí con los ejemplos',
    again: 'Entrenarlo otra vez aquí',
    own: 'Entrenarlo aquí con mis ejemplos',
    ownHint: 'Un archivo de peticiones con respuestas: JSON, JSONL o CSV en los formatos de Alpaca, Dolly, ShareGPT o TRL.',
    emptyFile: (name) => `${name} no contiene ejemplos.`,
    read: (examples) => `${plural(examples, { one: 'ejemplo leído', other: 'ejemplos leídos' })}.`,
    leftOut: (left, reason) => ` ${plural(left, { one: 'omitido', other: 'omitidos' })} (${reason}).`,
    metric: 'pérdida: cuánto le sorprende aún una buena respuesta',
    chart: 'Pérdida en los ejemplos',
    noChart: 'La curva aparece mientras entrena.',
    promptLabel: 'Pregunta lo mismo a los dos, en inglés',
    prompt: 'Tell me a story about a dog who is afraid of the dark.',
    ask: 'Preguntar a los dos',
    empty: 'Aún sin preguntar.',
    waits: 'Espera al modelo de este paso.',
    assistant: {
      heading: 'Ya responde',
      text:
        'Este paso es opcional: al modelo ya le enseñaron a responder antes de llegar. Si tienes ejemplos de peticiones con buenas respuestas, ' +
        'entrena primero un adaptador con ellos; lo demás parte entonces de ahí.',
      none: 'Aquí no hay nada que hacer, salvo que tengas ejemplos.',
    },
  },

  rank: {
    title: 'Ordenar',
    heading: 'Tú dices qué es mejor',
    text:
      'El modelo responde cuatro veces a la misma petición. Pon las respuestas en tu orden, la mejor arriba. No hay un orden correcto: lo que ' +
      'prefieras es lo que aprenderá. Unos treinta rankings bastan para notar un efecto.',
    metric: (target, have) => (have > target ? `rankings; con ${target} basta para empezar` : `de ${target} rankings`),
    begin: 'Enséñame cuatro respuestas',
    submit: 'Guardar este ranking',
    skip: 'Saltar',
    undo: 'Deshacer el último',
    undone: 'Se ha retirado el último ranking.',
    growing: 'El modelo está escribiendo…',
    best: 'la mejor',
    worst: 'la peor',
    answer: (letter) => `Respuesta ${letter}`,
    up: (letter) => `Subir la respuesta ${letter}`,
    down: (letter) => `Bajar la respuesta ${letter}`,
    tie: (letter) => `Respuesta ${letter}: tan buena como la de arriba`,
    untie: (letter) => `Respuesta ${letter}: no tan buena como la de arriba`,
    stop: (letter) => `Parar aquí la respuesta ${letter}`,
    allGood: 'Todas son buenas',
    allBad: 'Todas son malas',
    storedAll: {
      all_good: 'Guardado: todas son buenas. Lo usan los métodos que aprenden de respuestas sueltas (KTO).',
      all_bad: 'Guardado: todas son malas. Lo usan los métodos que aprenden de respuestas sueltas (KTO).',
    },
    places: 'Qué cuenta',
    placesOf: (places) => (places === null ? 'todo el orden' : places === 1 ? 'solo la mejor' : `solo las ${places === 2 ? 'dos' : places} mejores`),
    flag: 'Algo va mal en esto',
    flags: { nonsense: 'sin sentido', harmful: 'dañino', off_topic: 'fuera de tema', other: 'otra cosa' },
    why: '¿Por qué? (opcional)',
    drag: 'Arrastra para ordenar',
    moved: (letter, rank, total, tied) => `La respuesta ${letter} está ${tied ? 'empatada en' : 'en'} el puesto ${rank} de ${total}.`,
    stored: (stored) => `Guardado. ${plural(stored, rankings)}.`,
    keys: 'Teclas: ↑ ↓ mueven la respuesta enfocada, 1–4 fijan su puesto, T la empata con la de arriba, Intro guarda.',
    board: 'Respuestas, la mejor primero',
    chart: 'Rankings hasta ahora',
    sources: {
      person: 'tuyos',
      simulated: 'SIMULADO',
      pack: 'de un paquete',
      import: 'importados',
    },
    none: 'Aún ninguno.',
    moreTitle: '¿Sin tiempo para ordenar?',
    simulate: (wanted) => `Que un evaluador simulado ordene ${count(wanted)} por mí`,
    simulating: (done, wanted) => `Escribiendo y ordenando: ${done} de ${wanted}`,
    simulatedDone: (stored, title) => `Guardados ${plural(stored, rankings)} del evaluador simulado «${title}».`,
    simulatedNote: 'SIMULADO: ordena una regla fija, no una persona.',
    labeler: 'Evaluador',
    rule: 'Su regla:',
    packLabel: 'Rankings ya hechos',
    packs: {
      kind_endings: 'Finales amables',
      short_and_clear: 'Breve y claro',
      politeness: 'Cortesía',
    },
    loadPack: 'Cargar este paquete',
    packLoaded: (loaded) => `Añadidos ${plural(loaded, rankings)} del paquete.`,
    imported: (loaded) => `${plural(loaded, { one: 'ranking importado', other: 'rankings importados' })}.`,
    leftOut: (left, reason) =>
      ` ${plural(left, { one: 'ranking omitido, porque de él', other: 'rankings omitidos, porque de ellos' })} no se puede aprender nada (${reason}).`,
    thisRanking: 'este ranking',
    unusable: (reason) => `De este ranking no se puede aprender nada: ${reason}. Cámbialo o sáltalo.`,
    emptyFile: (name) => `${name} no contiene ningún ranking.`,
    tooFewPreferences: (found, wanted) =>
      `La regla empató todas las respuestas en la mayoría de los prompts; encontró preferencia en ${found} de los ${wanted} deseados.`,
    badFile: (reason) => `${reason}. No se ha importado nada.`,
    exportButton: 'Exportar rankings (JSONL)',
    importButton: 'Importar rankings',
    clear: 'Quitar todos los rankings',
    clearSure: 'Quitar de verdad todos los rankings',
  },

  example: {
    label: 'Ejemplo',
    note: 'Escrito para esta página, para probar a ordenar enseguida. Nada de esto se guarda.',
    heading: '¿Qué respuesta te gusta más?',
    done: 'Eso es todo lo que haces. El modelo aprende de elecciones como esta.',
    next: 'Siguiente ejemplo',
    submit: 'Este es mi orden',
  },

  reward: {
    title: 'Premiar',
    heading: 'Un segundo modelo aprende tu gusto',
    text:
      'El modelo de recompensa lee una petición y una respuesta y da un número: cuánto te gustaría. Se entrena con pares de tus rankings para ' +
      'puntuar más alto la mejor respuesta. Algunos rankings se reservan para probarlo con pares que no ha visto.',
    button: 'Entrenar el modelo de recompensa',
    again: 'Entrenarlo otra vez',
    whose: { person: 'como tú', simulated: 'como el evaluador SIMULADO', mixed: 'como los rankings' },
    metric: (whose) => `de los pares reservados los ordena ${whose}`,
    metricCounted: (pairs, whose, low, high) => `de ${count(pairs)} pares reservados los ordena ${whose}; intervalo del 95 %: ${low} a ${high}`,
    metricSoFar: (whose) => `de los últimos pares de entrenamiento los ordena ${whose}`,
    metricTrain: (whose) => `de los pares de entrenamiento los ordena ${whose}; muy pocos rankings para reservar alguno`,
    chart: 'Pérdida y aciertos',
    noChart: 'Las curvas aparecen mientras entrena. Una moneda acertaría la mitad de los pares.',
    basis: (basis) => `Entrenado con ${plural(basis, rankings)}.`,
    stale: 'Ahora hay otros rankings; entrénalo otra vez para usarlos.',
    lastTitle: 'El último ranking, tal como lo ve el modelo de recompensa',
    rankColumn: { person: 'Tu puesto', simulated: 'Puesto SIMULADO', pack: 'Puesto del paquete', import: 'Puesto' },
    answerColumn: 'Respuesta',
    scoreColumn: 'Puntuación',
  },

  tune: {
    title: 'Ajustar',
    kicker: (name) => `Ajustar: ${name}`,
    method: 'Método',
    kinds: {
      rewards: {
        heading: 'Práctica, con correa',
        text: (name) =>
          `El modelo escribe respuestas, el modelo de recompensa las puntúa y ${name} hace un poco más probables las de puntuación alta, una y ` +
          'otra vez. La correa es la divergencia KL: mide cuánto se ha alejado el modelo del paso 2, y cada paso fuera tiene un precio. Sin ella, ' +
          'el modelo encuentra disparates que al modelo de recompensa casualmente le encantan.',
        needs: 'Necesita un modelo de recompensa.',
      },
      rankings: {
        heading: 'Directo de tus rankings',
        text: (name) =>
          `Ni modelo de recompensa ni práctica: ${name} entrena el modelo con los propios rankings del paso 3. Es rápido. ` +
          'Pero solo aprende de respuestas que se ordenaron, nunca de las que escribiría ahora.',
        needs: 'Solo necesita rankings.',
      },
      best_of: {
        heading: 'Elegir en vez de entrenar',
        text: () =>
          `El modelo Instruct queda como está. Escribe ${sizes.bestOf} respuestas a cada petición y se da la que más le gusta al modelo de ` +
          `recompensa. Cada respuesta cuesta ${sizes.bestOf} veces más. Lo que así se gana es lo que los otros métodos tienen que superar.`,
        needs: 'Necesita un modelo de recompensa.',
      },
    },
    button: (name) => `Empezar ${name}`,
    again: (name) => `Empezar ${name} otra vez`,
    toCompare: 'Ir a la comparación',
    tunedBy: (name) => `El modelo ajustado que hay se entrenó con ${name}.`,
    curvesOf: (name) => `Los números y curvas son de la última ejecución, con ${name}.`,
    metric: 'recompensa media de las últimas respuestas',
    metricBestOf: 'respuestas entre las que elegir',
    effort: 'Cuánto, en respuestas',
    efforts: { quick: 'Rápido', normal: 'Normal', long: 'Largo' },
    leash: 'Correa',
    leashes: { loose: 'Suelta', normal: 'Normal', tight: 'Tensa' },
    charts: {
      reward: 'Recompensa',
      kl: 'KL: distancia desde el paso 2',
      length: 'Longitud de las respuestas en tokens',
      gold: 'Puntuación del propio evaluador SIMULADO, que el entrenamiento nunca ve',
      loss: 'Pérdida y aciertos',
      margins: 'Margen: con qué claridad prefiere la mejor respuesta',
    },
    noChart: 'Las curvas aparecen tras el primer paso.',
    noTraining: 'Sin entrenamiento no hay curva. El paso 6 muestra si basta con elegir.',
    completions: 'Lo que escribe ahora',
    noCompletions: 'Sus respuestas aparecen aquí mientras practica.',
    completionNumbers: (score, kl) => `recompensa ${score} · KL ${kl}`,
    leashLabel: (kl) => `El modelo ajustado está a ${kl} nats de KL del modelo Instruct.`,
    visible: 'El entrenamiento sigue aunque cambies de pestaña.',
  },

  options: {
    title: (name) => `Opciones de ${name}`,
    changed: (changed) => plural(changed, { one: 'cambiada', other: 'cambiadas' }),
    intro: 'Las opciones cambiadas valen para la próxima ejecución y se conservan al recargar. El resto lo ponen el entrenador o esta página.',
    preset: 'Receta publicada',
    noPreset: 'Ninguna: la de Nudge',
    presetOf: (source) => `De: ${source}. Trae su propia correa; cuánto dura lo sigues eligiendo tú.`,
    given: {
      trainer: (value) => `por defecto: ${value}`,
      preset: (value) => `receta: ${value}`,
      effort: (value) => `«Cuánto»: ${value}`,
      leash: (value) => `«Correa»: ${value}`,
      page: (value) => `esta página: ${value}`,
    },
    nothing: 'nada',
    yes: 'sí',
    no: 'no',
    restore: (name, value) => `Restablecer ${name}: ${value}`,
    restoreAll: 'Restablecer todas',
    slider: (name) => `${name}, control deslizante`,
    notWhole: 'Tiene que ser un número entero.',
    outside: (range) => `Se admite: ${range}.`,
  },

  compare: {
    title: 'Comparar',
    heading: '¿Ha funcionado? Juzga a ciegas',
    text:
      'Ambos modelos responden a peticiones con las que ninguno se entrenó. Ves dos respuestas sin nombre, en orden aleatorio, y dices cuál es ' +
      'mejor. Solo entonces la página revela cuál era cuál. Con pocos juicios la suerte tiene mucho sitio: mira el intervalo.',
    button: 'Empezar la prueba a ciegas',
    again: 'Empezar otra prueba a ciegas',
    bestOf: `Instruct, la mejor de ${sizes.bestOf}`,
    tunedWith: (method) => `Ajustado con ${method}`,
    versus: (contender) => `${contender}, contra`,
    versusNames: { sft: 'Instruct (antes del ajuste)', base: 'Base (antes de todo)' },
    contest: (contender, versus) => `${contender}, contra ${versus}`,
    metric: (contender) => `tasa de victorias: ${contender}; los empates cuentan medio`,
    left: 'La izquierda es mejor',
    right: 'La derecha es mejor',
    tie: 'Igual de buenas',
    sides: { left: 'Izquierda', right: 'Derecha' },
    progress: (done, total) => `Par ${done} de ${total}`,
    keys: 'Teclas: ← izquierda, → derecha, ↓ igual de buenas.',
    writing: 'Ambos modelos están escribiendo…',
    reveal: 'Revelar ya',
    revealed: 'Lo que has preferido',
    chart: 'Tasa de victorias con su intervalo del 95 %',
    interval: (rate, low, high) => `${rate}, intervalo del 95 %: ${low} a ${high}`,
    counts: (wins, ties, losses) =>
      `${plural(wins, { one: 'victoria', other: 'victorias' })}, ${plural(ties, { one: 'empate', other: 'empates' })}, ${plural(losses, { one: 'derrota', other: 'derrotas' })}`,
    coin: 'una moneda',
    noChart: 'La tasa de victorias aparece tras la prueba.',
    simulate: (prompts) => `Que el evaluador simulado juzgue ${plural(prompts, { one: 'prompt reservado', other: 'prompts reservados' })}`,
    simulating: 'El evaluador simulado está juzgando…',
    you: 'Tú',
    simulatedBy: (title) => `SIMULADO: ${title}`,
    picked: 'preferiste esta',
    tied: 'no viste diferencia',
  },

  data: {
    title: 'Tus modelos y tus datos',
    text: 'Los rankings, modelos y puntos de control se guardan solo en este navegador.',
    exportModel: (name) => `Exportar ${name} (zip)`,
    exportLog: 'Exportar el registro del entrenamiento (JSONL)',
    stored: 'Guardado en este dispositivo',
    storedLine: (name, size) => `${name}, ${size}`,
    remove: 'Borrar',
    removeSure: 'Borrarlo de verdad, con sus rankings y adaptadores',
    out: (name) => `Llevarte ${name} a casa`,
    forms: {
      peft: { button: 'Adaptador PEFT (zip)', how: 'Descomprímelo; luego PeftModel.from_pretrained(base, folder) en Python, o nudge chat --model BASE+CARPETA.' },
      'gguf-adapter': { button: 'Adaptador GGUF', how: 'llama-cli -m BASE.gguf --lora ADAPTADOR.gguf; para Ollama, las líneas FROM y ADAPTER en un Modelfile.' },
      gguf: { button: 'Modelo entero (GGUF, 8 bits)', how: 'Un solo archivo con el adaptador incorporado: llama-cli -m MODELO.gguf, LM Studio, Ollama.' },
    },
    writing: 'Escribiéndolo…',
    rankings: 'Los rankings salen como JSONL en el paso 3; nudge reward y nudge dpo los leen.',
    importModel: 'Abrir un modelo (zip)',
    importOther: 'Abrir un adaptador (zip o sus archivos)',
    importAs: 'como',
    importPlace: 'Abrir un modelo de lenguaje como',
    imported: (name) => `El zip se ha abierto como modelo «${name}».`,
    deleteAll: 'Borrar todos los datos',
    deleteSure: 'Borrarlo todo de verdad',
    cancel: 'Conservarlo',
    format:
      'Un zip contiene una carpeta con la estructura de Hugging Face; la orden nudge y la biblioteca transformers la abren. ' +
      'Los rankings son JSONL, uno por línea.',
  },

  ...ofWorkflows,
  ...ofAddresses,

  dismiss: 'Cerrar',
};
