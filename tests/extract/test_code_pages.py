"""Texts that are neither UTF-8 nor Windows-1252."""

import pytest

from grader.extract.documents.text import decode

CHINESE = "# 第一部分\nh1 = w1*i1 + w2*i2\n我们计算梯度:\n∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1\n学习率 η\n"
JAPANESE = "# パート1 逆伝播\na_h1 = σ(h1)\n∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1\n"
MATHEMATICS = "# Part 1\nh1 = w1*i1 + w2*i2\n∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (CHINESE, "gb18030"),
        (JAPANESE, "cp932"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (MATHEMATICS, "gb18030"),
        (MATHEMATICS, "shift_jis"),
        (MATHEMATICS, "euc_kr"),
        (MATHEMATICS, "mac_roman"),
    ],
)
def test_a_derivation_is_read_in_the_code_page_that_shows_mathematics(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)).text == text


@pytest.mark.parametrize(
    "text",
    [
        "Größe, café naïve: 99,4 % “quoted”",
        "Après l'été, la précision est élevée: é(x) ó(h1)",
        "ação não é opção: ç * ó(",
        "E1 = ½·(t1 − a_o1)² Äpfel Öl ×".replace("−", "-"),
        "§ 1 ¶ 2",
    ],
)
def test_a_text_of_western_europe_stays_windows_1252(text: str) -> None:
    decoded = decode(text.encode("cp1252"))
    assert (decoded.text, decoded.encoding) == (text, "windows-1252")


def test_prose_without_a_formula_is_left_to_a_detector() -> None:
    pytest.importorskip("charset_normalizer")
    text = "第一部分：这个网络用了批量归一化和丢弃层，测试集准确率达到了99.44%，参数一共有八千个。"
    assert decode(text.encode("gb18030")).text == text
