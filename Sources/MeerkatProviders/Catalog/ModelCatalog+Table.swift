extension ModelCatalog {
    /// What is known of models, one to a line; `?` is what is not known.
    ///
    /// The columns are: provider, name, context window and output limit in tokens, abilities, the day or month at which
    /// it was looked up, and prices. Abilities are `i` images, `r` reasoning, `t` a temperature may be named, `s`
    /// structured output, each a `-` where the model lacks it. Prices are US dollars per million tokens on the standard
    /// tier: input/output/cache read/cache write (for five minutes); behind `>` stands what applies to the whole call when
    /// its input is longer than so many tokens, behind `until:` the last day of prices that are known to change. A price
    /// is here when the vendor's page says it or two independent lists agree; one that differs by the time of day is not.
    ///
    /// Sources: <https://platform.claude.com/docs/en/about-claude/pricing>,
    /// <https://developers.openai.com/api/docs/pricing>, <https://ai.google.dev/gemini-api/docs/pricing>,
    /// <https://api-docs.deepseek.com/quick_start/pricing>, <https://mistral.ai/pricing>, <https://docs.x.ai/docs/models>,
    /// <https://groq.com/pricing>, and the lists of LiteLLM, models.dev and genai-prices.
    static let table: StaticString = """
        anthropic claude-fable-5-2         1000000 128000 ir-? 2026-11-10 8/40/0.2/10
        anthropic claude-fable-5-1         1000000 128000 ir-? 2026-09    10/50/0.25/12.5
        anthropic claude-fable-5           1000000 128000 ir-s 2026-09    10/50/1/12.5
        anthropic claude-mythos-5-1        1000000 128000 ir-s 2026-09    10/50/0.25/12.5
        anthropic claude-mythos-5          1000000 128000 ir-s 2026-09    10/50/1/12.5
        anthropic claude-opus-5-5          1000000 128000 ir-s 2026-10-03 4/20/0.2/5
        anthropic claude-opus-5            1000000 128000 ir-s 2026-10    5/25/0.5/6.25
        anthropic claude-opus-4-8          1000000 128000 ir-? 2026-09    5/25/0.5/6.25
        anthropic claude-opus-4-7          1000000 128000 ir-s 2026-09    5/25/0.5/6.25
        anthropic claude-opus-4-6          1000000 128000 irts 2026-09    5/25/0.5/6.25
        anthropic claude-opus-4-5          200000  64000  irts 2026-09    5/25/0.5/6.25
        anthropic claude-opus-4-1          200000  32000  irts 2026-09    15/75/1.5/18.75
        anthropic claude-opus-4-0          200000  32000  irt- 2026-04    15/75/1.5/18.75
        anthropic claude-opus-4-20250514   200000  32000  irt- 2026-04    15/75/1.5/18.75
        anthropic claude-sonnet-5-5        1000000 128000 ir-s 2026-10-03 2/10/0.2/2.5
        anthropic claude-sonnet-5          1000000 128000 ir-? 2026-10    2/10/0.2/2.5
        anthropic claude-sonnet-4-6        1000000 ?      irts 2026-06    3/15/0.3/3.75
        anthropic claude-sonnet-4-5        200000  64000  irts 2026-06    3/15/0.3/3.75
        anthropic claude-sonnet-4-0        200000  64000  irt- 2026-04    3/15/0.3/3.75
        anthropic claude-sonnet-4-20250514 200000  64000  irt- 2026-04    3/15/0.3/3.75
        anthropic claude-haiku-5-5         1000000 128000 ir-s 2026-10-08 0.1/0.5/0.01/0.125 >100000:0.5/2.5/0.05/0.625
        anthropic claude-haiku-4-5         200000  64000  irts 2026-06    1/5/0.1/1.25
        anthropic claude-3-7-sonnet        200000  64000  irt- 2026-04    3/15/0.3/3.75
        anthropic claude-3-5-sonnet        200000  ?      i-t- 2025-06    ?
        anthropic claude-3-5-haiku         200000  8192   i-t- 2026-04    0.8/4/0.08/1
        anthropic claude-3-opus            200000  ?      i-t- 2026-04    15/75/1.5/18.75
        anthropic claude-3-haiku           200000  4096   i-t- 2026-04    0.25/1.25/0.03/0.3
        openai    gpt-6.2-astra            1050000 128000 ir-s 2026-11-18 8/40/?/?
        openai    gpt-6.2-sol              1050000 128000 ir-s 2026-11-18 2/10/?/?
        openai    gpt-6.1-sol              1050000 128000 ir-s 2026-09-30 2/10/0.1/2.5 >272000:4/15/0.2/?
        openai    gpt-6.1-terra            1050000 128000 ir-s 2026-10-26 1/5/0.05/? >272000:2/7.5/0.1/?
        openai    gpt-6-astra              1050000 128000 ir-s 2026-09-05 10/50/1/12.5 >272000:20/75/2/25
        openai    gpt-6-sol                1050000 128000 ir-s 2026-09-23 2/10/0.2/2.5 >272000:4/15/0.4/?
        openai    gpt-6-luna               1050000 128000 ir-s 2026-09-23 0.1/0.5/0.01/0.125 >272000:0.2/0.75/0.02/?
        openai    gpt-5.6-sol              1050000 128000 ir-s 2026-09-22 4/20/0.4/? >272000:8/30/0.8/?
        openai    gpt-5.6                  1050000 128000 ir-s 2026-09-22 4/20/0.4/? >272000:8/30/0.8/?
        openai    gpt-5.6-terra            1050000 128000 ir-s 2026-08-01 2/12/0.2/? >272000:4/18/?/?
        openai    gpt-5.6-luna             1050000 128000 ir-s 2026-08-01 0.2/1.2/0.02/? >272000:0.4/1.8/?/?
        openai    gpt-5.5                  1050000 128000 ir-s 2026-05-04 5/30/0.5/? >272000:10/45/1/?
        openai    gpt-5.5-pro              1050000 128000 ir-s 2026-05    30/180/?/? >272000:60/270/?/?
        openai    gpt-5.4                  1050000 128000 irts 2026-03    2.5/15/0.25/? >272000:5/22.5/0.5/?
        openai    gpt-5.4-pro              1050000 128000 ir-- 2026-03    30/180/?/? >272000:60/270/?/?
        openai    gpt-5.4-mini             ?       ?      ir?s 2026-05-04 0.75/4.5/0.075/?
        openai    gpt-5.4-nano             ?       ?      ir?s 2026-05-04 0.2/1.25/0.02/?
        openai    gpt-5.3-codex            400000  128000 ir-s 2026-09-30 1.75/14/0.175/?
        openai    gpt-5.2                  400000  ?      irts 2026-09-30 1.75/14/0.175/?
        openai    gpt-5.2-chat-latest      128000  16384  ir-s 2026-05    ?
        openai    gpt-5.2-codex            ?       ?      ir-s 2026-09-30 ?
        openai    gpt-5.2-pro              400000  128000 ir-- 2026-05    21/168/?/?
        openai    gpt-5.1                  400000  ?      irts 2025-11-13 1.25/10/0.125/?
        openai    gpt-5.1-chat-latest      ?       ?      ir-s 2025-11-13 ?
        openai    gpt-5.1-codex            400000  ?      ir-s 2025-11-13 1.25/10/0.125/?
        openai    gpt-5.1-codex-max        ?       ?      ir-s 2026-07    ?
        openai    gpt-5.1-codex-mini       ?       ?      ir-s 2026-03    ?
        openai    gpt-5                    400000  128000 ir-s 2025-11-13 1.25/10/0.125/?
        openai    gpt-5-mini               400000  128000 ir-s 2025-11-13 0.25/2/0.025/?
        openai    gpt-5-nano               400000  128000 ir-s 2025-11-13 0.05/0.4/0.005/?
        openai    gpt-5-pro                400000  ?      ir-s 2025-11-13 15/120/?/?
        openai    gpt-5-chat-latest        ?       ?      i?ts 2025-11-13 ?
        openai    gpt-5-codex              400000  ?      ir-s 2025-11-13 ?
        openai    gpt-4.1                  1047576 32768  i-ts 2025-07-04 2/8/0.5/?
        openai    gpt-4.1-mini             ?       ?      i-ts 2025-07-04 0.4/1.6/0.1/?
        openai    gpt-4.1-nano             ?       ?      i-ts 2025-07-04 0.1/0.4/0.025/?
        openai    gpt-4o                   128000  ?      i-ts 2025-07-04 2.5/10/1.25/?
        openai    gpt-4o-2024-05-13        128000  ?      i-t? 2025-10    ?
        openai    gpt-4o-mini              128000  16384  i-ts 2025-07-04 0.15/0.6/0.075/?
        openai    chatgpt-4o-latest        ?       ?      i-t? 2025-11    5/15/?/?
        openai    gpt-4-turbo              128000  4096   i-t- 2025-07-04 10/30/?/?
        openai    gpt-4                    8192    ?      --t- 2025-07-04 ?
        openai    gpt-3.5-turbo            16385   ?      --t- 2025-07-04 ?
        openai    o1                       200000  100000 ir-s 2025-10    15/60/7.5/?
        openai    o1-pro                   200000  100000 ir-s 2025-10    150/600/?/?
        openai    o1-mini                  ?       ?      -r-- 2025-10    ?
        openai    o1-preview               128000  32768  -r-- 2025-10    15/60/7.5/?
        openai    o3                       200000  100000 ir-s 2025-10    2/8/0.5/?
        openai    o3-pro                   200000  100000 ir-s 2025-10    20/80/?/?
        openai    o3-mini                  ?       ?      -r-s 2025-10    1.1/4.4/0.55/?
        openai    o4-mini                  ?       ?      ir-s 2025-10    1.1/4.4/0.275/?
        openai    codex-mini-latest        200000  100000 -r-s 2025-10    1.5/6/0.375/?
        gemini    gemini-3.8-flash         1048576 65536  irts 2026-10-07 0.75/3.75/0.075/? until:2026-12-31
        gemini    gemini-3.7-flash         ?       ?      irts 2026-09-30 0.75/3.75/0.075/? until:2026-12-31
        gemini    gemini-3.6-flash         1048576 65536  irts 2026-09-30 ?
        gemini    gemini-3.5-flash         1048576 65536  irts 2026-07    1.5/9/0.15/?
        gemini    gemini-3.5-flash-lite    1048576 65536  irts 2026-07-21 0.3/2.5/0.03/?
        gemini    gemini-3.1-pro-preview   1048576 65536  irts 2026-05    2/12/0.2/? >200000:4/18/0.4/?
        gemini    gemini-3.1-flash-lite    1048576 65536  irts 2026-05    0.25/1.5/0.025/?
        gemini    gemini-3-pro-preview     1048576 65536  irts 2026-03    2/12/0.2/? >200000:4/18/0.4/?
        gemini    gemini-3-flash-preview   1048576 65536  irts 2026-05    0.5/3/0.05/?
        gemini    gemini-2.5-pro           1048576 65536  irts 2026-06    1.25/10/0.125/? >200000:2.5/15/0.25/?
        gemini    gemini-2.5-flash         1048576 65536  irts 2026-06    0.3/2.5/0.03/?
        gemini    gemini-2.5-flash-lite    1048576 65536  irts 2026-06    0.1/0.4/0.01/?
        gemini    gemini-2.0-flash-lite    1048576 8192   i-ts 2025-07    0.075/0.3/?/?
        gemini    gemini-2.0-flash         1048576 8192   i-ts 2025-07    0.1/0.4/?/?
        gemini    gemini-1.5-pro           1000000 8192   i-ts 2025-07    1.25/5/?/? >128000:2.5/10/?/?
        gemini    gemini-1.5-flash-8b      1000000 8192   i-ts 2025-07    ?
        gemini    gemini-1.5-flash         1000000 8192   i-ts 2025-07    ?
        deepseek  deepseek-flash           1000000 384000 ir?? 2026-10    ?
        deepseek  deepseek-v4-flash        1000000 384000 ir?? 2026-10    ?
        deepseek  deepseek-v4-pro          1000000 384000 -r?? 2026-10    ?
        mistral   mistral-large-4          ?       ?      ?rt? 2026-10-06 ?
        mistral   mistral-large-2512       262144  262144 i-ts 2025-12-02 ?
        mistral   mistral-medium-3-5       ?       ?      ?rt? 2026-08-27 ?
        mistral   mistral-medium-2604      ?       ?      ?rt? 2026-08-27 ?
        mistral   mistral-medium-2505      131072  131072 i-t? 2025-11    0.4/2/?/?
        mistral   mistral-medium-2508      262144  262144 i-t? 2025-11    0.4/2/?/?
        mistral   mistral-small-2506       128000  16384  i-ts 2025-11    0.1/0.3/?/?
        mistral   magistral-medium         128000  16384  -rt? 2025-11    2/5/?/?
        mistral   codestral-latest         128000  128000 --ts 2026-08-27 0.3/0.9/0.03/?
        mistral   devstral-2512            262144  262144 --t? 2026-06    ?
        xai       grok-4.7                 500000  ?      irts 2026-09-21 2/6/0.5/? >200000:4/12/1/?
        xai       grok-4.6                 ?       ?      irt? 2026-09    2/6/0.5/? >200000:4/12/1/?
        xai       grok-4.5                 ?       ?      ?rt? 2026-09    ?
        xai       grok-4.3                 1000000 30000  irt? 2026-09    1.25/2.5/0.2/? >200000:2.5/5/0.4/?
        xai       grok-4.20                ?       ?      ?rt? 2026-09    ?
        xai       grok-4-fast              2000000 ?      ?rt? 2025-11-27 0.2/0.5/0.05/? >128000:0.4/1/0.05/?
        xai       grok-4-1-fast            2000000 ?      ?rt? 2025-11-27 ?
        xai       grok-4                   256000  ?      ?rt? 2025-07-12 3/15/0.75/? >128000:6/30/0.75/?
        xai       grok-code-fast-1         256000  ?      -rt? 2025-11-27 0.2/1.5/0.02/?
        xai       grok-3-mini              131072  ?      -rt? 2025-07-12 0.3/0.5/0.075/?
        xai       grok-3                   131072  ?      --t? 2025-07-12 3/15/0.75/?
        groq      openai/gpt-oss-120b      131072  65536  -rts 2026-05-27 0.15/0.6/0.075/?
        groq      openai/gpt-oss-20b       131072  65536  -rts 2026-05-27 ?
        groq      qwen/qwen3.8-27b         131042  16384  irt? 2026-08-29 ?
        groq      qwen/qwen3-32b           131072  16384  -rt? 2025-11    ?
        groq      llama-3.3-70b-versatile  131072  32768  --t- 2025-11    ?
        groq      llama-3.1-8b-instant     131072  8192   --t- 2025-11    ?
        """
}
