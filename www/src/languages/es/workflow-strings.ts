import type { ofWorkflows as english } from '../../lib/workflow-strings';
import { plural } from '../plural';
import type { Translation } from '../texts';

export const ofWorkflows: Translation<typeof english> = {
  tabs: {
    following: 'Otra pestaña trabaja en este flujo de trabajo. Esta muestra lo que hace y no cambia nada.',
    takeOver: 'Trabajar aquí',
    asking: 'La otra pestaña guarda lo que tiene y se detiene…',
    unanswered: 'La otra pestaña no responde. Lo que aún no haya guardado se pierde si sigues aquí.',
    takeAnyway: 'Tomarlo de todos modos',
    given: 'Otra pestaña se ha hecho cargo de este flujo de trabajo. Lo que se hizo aquí está guardado.',
    taken: 'Ahora trabaja en él esta pestaña.',
    refused: 'Otra pestaña trabaja en este flujo de trabajo; aquí no se ha cambiado nada.',
    replaced:
      'Este flujo de trabajo se hizo con un modelo de cuentos anterior, que esta página ya no tiene. Puedes mirarlo y llevártelo; nada de él cambia.',
    newModel: 'Ir al nuevo modelo de cuentos',
    furtherOn: 'Seguir enseñando a su modelo ajustado',
  },

  storage: {
    full: 'al navegador no le queda espacio para esta página',
    blocked: 'el navegador no deja que esta página guarde nada, como en una ventana privada',
    unstored: (rows, reason) =>
      rows > 0
        ? `${plural(rows, { one: 'cosa no está guardada', other: 'cosas no están guardadas' })}: ${reason}. Está en la memoria de esta pestaña y funciona; se pierde cuando la cierres.`
        : `No se puede guardar nada: ${reason}. La página funciona; lo que hagas se pierde cuando cierres la pestaña.`,
    download: 'Descargar el flujo de trabajo (zip)',
    retry: 'Intentar guardarlo otra vez',
    version: {
      other: 'Estorba una pestaña con una versión anterior de esta página: ciérrala o recárgala.',
      this: 'Esta página se ha renovado en otra pestaña. Recárgala para seguir.',
    },
    reload: 'Recargar',
    badRow: (name) => `Algo guardado en este flujo está dañado y se ha omitido: ${name}.`,
    used: (used, quota) => `Ocupados ${used} de los ${quota} que el navegador da a esta página.`,
    persisted: {
      yes: 'El navegador los conserva hasta que los borres.',
      no: 'El navegador puede borrarlos si le falta espacio.',
    },
  },

  runs: {
    title: (id, contender) => `Ejecución ${id}: ${contender}`,
    earlierStart: 'Instruct, como era al empezar la ejecución',
    gone: 'Este modelo ya no está guardado.',
    heading: 'Ejecuciones',
    about: 'Cada modelo ajustado se conserva hasta que lo borres. Uno de ellos es el que usa la página.',
    columns: { run: 'Ejecución', from: 'Desde', rankings: 'Rankings', usable: 'Usables', rate: 'Tasa de victorias', kl: 'KL', time: 'Duración', size: 'Tamaño' },
    options: 'Opciones',
    use: 'Usar',
    inUse: 'en uso',
    remove: 'Borrar',
    removeSure: 'Borrar de verdad esta ejecución',
    unjudged: 'sin comparar',
    bySimulated: 'SIMULADO',
    which: 'Modelo ajustado',
    versusRun: (title) => title,
  },

  workflows: {
    earlier: (name) => `${name} (modelo anterior)`,
    label: 'Flujo de trabajo',
    about: 'Un flujo de trabajo reúne prompts, ejemplos, rankings, ejecuciones y juicios. Puedes tener varios y llevarte cualquiera.',
    manage: 'Gestionar',
    name: 'Nombre',
    rename: 'Renombrar',
    another: 'Nuevo',
    anotherName: (count) => `Flujo ${count}`,
    duplicate: 'Duplicar',
    copyOf: (name) => `${name}, copia`,
    remove: 'Borrar',
    removeSure: 'Borrarlo de verdad, con sus rankings y ejecuciones',
    take: 'Llevártelo (zip)',
    takeHow: 'Descomprímelo; nudge teach --out CARPETA --model MODELO --prompts CARPETA/prompts.jsonl sigue con él.',
    open: 'Abrir un flujo (zip)',
    opened: (name, rankings, runs) =>
      `Se ha abierto «${name}», con ${plural(rankings, { one: 'ranking', other: 'rankings' })} y ${plural(runs, { one: 'ejecución', other: 'ejecuciones' })}.`,
    writing: 'Empaquetando…',
    reading: 'Abriendo…',
    noModel: (name) => `El modelo de «${name}» ya no está en este dispositivo. Abre antes el modelo.`,
    notOne: (name) => `${name} no es un flujo de trabajo: no contiene workflow.json. No ha cambiado nada.`,
    otherModel: (name, model) => `${name} es un flujo de trabajo sobre ${model}. Abre antes ese modelo y luego el flujo. No ha cambiado nada.`,
    isNotJson: 'no es JSON',
    otherShape: 'faltan los campos que deben estar ahí, o alguno es de un tipo equivocado',
    badLine: (file, line, reason) => `${file}, línea ${line}: ${reason}. No se ha abierto nada y nada ha cambiado.`,
    badPart: (file, what) => `${file}: ${what}. No se ha abierto nada y nada ha cambiado.`,
    badField: (field) => `«${field}» es de un tipo equivocado`,
    otherVersion: (version, known) =>
      `workflow.json: es de la versión ${version} y esta página lee la versión ${known}. Vuelve a cargar la página para tener la más nueva. No se ha abierto nada.`,
    badRun: (run, reason) => `Se ha omitido la ejecución ${run}: ${reason}`,
  },
};
