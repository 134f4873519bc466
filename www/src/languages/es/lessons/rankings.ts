import type { rankings as english } from '../../../lessons/rankings';
import type { LessonText } from '../../texts';

export const rankings: LessonText<typeof english> = {
  title: 'Por qué rankings',
  about: 'Muchos creadores de modelos piden a la gente que ordene respuestas. Hazlo tú, deja que un modelo aprenda de ello y comprueba si ha funcionado.',
  question: {
    text: 'Para enseñar a un modelo lo que gusta a la gente, muchos creadores hacen ordenar respuestas en vez de escribir la perfecta. ¿Por qué?',
    answers: {
      easier: 'Porque es más fácil decir qué respuesta es mejor que escribir la mejor.',
      facts: 'Porque un ranking dice al modelo qué es verdad.',
      reading: 'Porque un modelo no puede aprender de textos escritos por personas.',
      agreement: 'Porque todo el mundo ordena igual, así que da lo mismo quién lo haga.',
    },
  },
  steps: [
    {
      title: 'Elige un gusto',
      text: 'No hay un orden correcto, solo el gusto de alguien. Para esta lección tomas uno prestado. El modelo escribe en inglés.',
      task: 'Elige un gusto y mantenlo en lo que sigue.',
      notice: '¿Habrías podido escribir tú, en medio minuto, la respuesta perfecta de ese gusto? Vas a enseñarlo sin escribir una palabra.',
    },
    {
      title: 'Ordena cinco',
      text: 'El modelo responde cuatro veces a cada petición. Ordena las respuestas según tu gusto, la mejor arriba: arrástralas o usa las flechas.',
      task: 'Ordena cinco veces cuatro respuestas. Donde dos sean igual de buenas, empátalas con «=».',
      notice: '¿Estuvo siempre claro? Donde dudaste, otra persona habría elegido distinto. Un ranking es el juicio de alguien, y lo que se aprende de él también.',
    },
    {
      title: 'Déjalo aprender',
      text: 'Treinta rankings son más de los que nadie quiere hacer en una lección. Una regla fija con el mismo gusto ordena el resto. Lleva la marca SIMULADO porque no es una persona.',
      task: 'Pulsa «Que la regla ordene los otros …, y aprender» y espera a que haya aprendido.',
      notice: 'Lee las peticiones con las respuestas de antes y de después. Nadie escribió estas respuestas nuevas para que el modelo las copiara.',
    },
    {
      title: 'Juzga a ciegas',
      text: 'A quien sabe qué respuesta es la nueva, le gusta más. Por eso recibes las dos sin nombre, en orden aleatorio.',
      task: 'Pulsa «Empezar la prueba a ciegas», juzga unos cuantos pares y pulsa «Revelar ya», o júzgalos todos.',
      notice: 'Mira el intervalo bajo tu número. Con pocos juicios es ancho: el azar solo podría haberte dado buena parte de esto.',
    },
  ],
  learnt: [
    'Decir qué respuesta es mejor es más fácil que escribir la mejor, y dice cosas difíciles de poner en palabras.',
    'Unas decenas de rankings ya mueven un modelo de forma visible, si todos quieren lo mismo.',
    'Un modelo aprende el gusto de quienes ordenaron. Si ha funcionado hay que probarlo a ciegas, y con bastantes pares.',
  ],
};
