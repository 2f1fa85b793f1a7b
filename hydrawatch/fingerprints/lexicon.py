"""Words by how much they speak of a task: what a prompt's frame is told from its filling by.

Three levels. `SAID` are words of instructions about texts, that prose seldom needs; `OFTEN` are words of
instructions that prose needs too; `SMALL` are small words, kept as context and for density alone.
Chosen by what instructions are made of, not counted in any corpus. A change here changes every
template's fingerprint: it is a new version of docs/fingerprints.md.
"""

from __future__ import annotations

SAID, OFTEN, SMALL = 8, 4, 1  # a word's share in the score of its segment

_ENGLISH_SAID = """
above-mentioned abovementioned analyse analyze answer answerable answering answers article articles
based brainstorm bullet bulleted calculate categorize category categories choice choices choose
classified classification classifier classify compute context contradiction conversation correct
correctly csv definition delimited describe description determine dialog dialogue document documents
duplicate duplicates elaborate entail entailed entailment entails essay evaluate excerpt explain
explanation extract fact facts following format generate generated given headline hint hints html
hypothesis identical identify implied implies imply incorrect infer inference inferred input inputs
instruction instructions irrelevant javascript json justify keyword keywords label labeled labels
markdown meaning multiple-choice option options output outputs paragraph paragraphs paraphrase
paraphrased paraphrases paraphrasing passage passages persona predict premise premises prompt
proofread python queries query question questions rationale regex relevant rephrase rephrased respond
response responses restate review reviewer reviews rewrite rewritten rubric scenario schema select
sentence sentences sentiment simplify snippet solve sql statement statements suggest summaries
summarise summarize summary synonym syntax template text texts title titles topic topics transcript
translate translated translation unanswerable utterance utterances valid verify write xml yaml
"""
_ENGLISH_OFTEN = """
above abstract according accordingly annotate appropriate assess assistant below best cite claim code
column columns compare complete completion compose conclude conclusion consider constraints construct
continue convert create criteria critique decide deduce define demonstrate derive design designed
describes discuss draft edit email ensure entities entity equivalent estimate example examples
exercise expand express expressed expresses false feedback fill find follow follows function grade
grading grammar guess highlight highlights illustrate implement improve include including indicate
intent judge language likely list main make match mention mentioned most name names negative neutral
news note opposite outline pick plausible please plot polarity positive possible problem process
propose prove provide provided provides quiz rank rate rating read reason reasoning recommend
reference relation relationship result return revise role same sample scale score section sections
similar solution source specify step steps story subject suggestion suitable system table tag target
task tell term terms test theme thesis think tone true type use used user using whether which word
words writer yes you your
"""
_ENGLISH_SMALL = """
a about after all also among an and another any are as ask asked asks at bad be because been before
being between both but by can can't could do does doesn't don't either else feel feels few first five
for four from good had have he help helpful her here him his how however i if in into is isn't it its
just know last least less let let's may me might more must my need neither never next no nor not of
on one only onto or other our own per previous said say says second shall should since so some such
sure than that the their them then there these they third this those three to try two use via want
was we were what when where while who whom whose why will with within without won't would
"""
_GERMAN_SAID = """
absatz analysiere antwort antworte antworten artikel aufgabe ausgabe beantworte begründe berechne
beschreibe beschreibung bestimme bewerte eingabe erkläre erstelle erzeuge fasse folgende folgenden
folgender folgendes formuliere frage fragen gib kategorie klassifiziere kontext nenne ordne satz sätze
schlüsselwörter schreibe stichpunkte text titel thema übersetze umschreibe verfasse vorgabe wähle
zusammen zusammenfassung überschrift
"""
_GERMAN_OFTEN = """
anhand begriff beispiel beispiele bitte daraus deine dem du falsch finde gegeben gegebenen ihre
jeweils liste möglichkeiten nutze obigen oben richtig sie sprache unten verwende wort wörter welche
welcher welches
"""
_ROMANCE_SAID = """
analyse analysez analiza article artículo articolo catégorie categoría choisis choisissez clasifica
classe classez classifica classifique consigne contexte contexto contesto corrige corrigez décris
décrivez describe descreva descrivi détermine elige escolha escreva escribe escribir écris écrivez
exemple explica explique expliquez frase frases genera gere générez génère instrucciones liste oración
paragraphe párrafo parágrafo phrase phrases pregunta preguntas pergunta perguntas questions
réécris réponds répondez réponse respuesta responda responde resposta rispondi risposta domanda
resume resuma résume résumez resumen résumé resumo riassumi riassunto riscrivi scrivi seguente
seguenti siguiente siguientes seguinte seguintes suivant suivante suivantes suivants texte texto testo
titre título titolo traduce traduzca traduci traduis traduisez traduza traduire thème tema tópico
"""
_ROMANCE_OFTEN = """
correcte correcta correto corretta donné dessous dessus ejemplo esempio exemplo faux falso indica
indique lista langue langage lengua mots palabra palabras palavra parole por favor quelle quel quale
cuál qual selon según secondo segundo tu usted veuillez vous voici vrai verdadero votre você
"""
_RUSSIAN_SAID = """
абзац аннотация вопрос вопросы выбери выберите задание заголовок классифицируй контекст напиши
напишите объясни объясните определи определите опиши опишите ответ ответы ответь ответьте
перевед переведи переведите перепиши перефразируй предложение предложения проанализируй следующее
следующие следующий следующего составь составьте статья сформулируй текст тема укажи укажите
"""
_RUSSIAN_OFTEN = """
верно возможные выше данный дай какой какая какие неверно ниже пожалуйста пример примеры слово слова
список твой ты используй используя
"""
# Written without spaces: found by their characters wherever they stand.
_UNSPACED_SAID = """
请 請 翻译 翻譯 总结 總結 概括 摘要 问题 問題 回答 答案 以下 下列 下面 句子 段落 文章 文本 分类 分類 标题 標題
改写 改寫 描述 解释 解釋 生成 选择 選擇 选项 選項 关键词 關鍵詞 上下文 输出 輸出 输入 輸入 格式 根据 根據
要約 翻訳 質問 答え 回答してください 次の 文章 説明 分類 選択肢 ください 出力 入力 題名 요약 번역 질문 다음
"""
_UNSPACED_OFTEN = """
写 寫 列出 给出 給出 判断 判斷 分析 正确 正確 错误 錯誤 示例 例子 步骤 步驟 单词 單詞 语言 語言 是否 哪个 哪個
例 単語 言語 正しい あなた 你 您
"""


def _levels() -> dict[str, int]:
    """Give each word its level; the highest of those that list it."""
    said = (_ENGLISH_SAID, _GERMAN_SAID, _ROMANCE_SAID, _RUSSIAN_SAID, _UNSPACED_SAID)
    often = (_ENGLISH_OFTEN, _GERMAN_OFTEN, _ROMANCE_OFTEN, _RUSSIAN_OFTEN, _UNSPACED_OFTEN)
    listed = ((SMALL, (_ENGLISH_SMALL,)), (OFTEN, often), (SAID, said))
    return {word: level for level, lists in listed for text in lists for word in text.split()}


LEVELS = _levels()
UNSPACED = tuple(
    sorted((_UNSPACED_SAID + _UNSPACED_OFTEN).split(), key=lambda word: (-len(word), word))
)
